import { useState } from "react";
import { useTexts } from "@/shared/i18n/texts";
import { useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Checkbox } from "@/shared/ui/choice";
import { CopyButton } from "@/shared/ui/copy-button";
import { Dialog } from "@/shared/ui/dialog";
import { Field, FieldGroup } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { Select } from "@/shared/ui/select";
import { useForm } from "@/shared/ui/use-form";
import { scopes, type TokenScope, useMakeToken } from "./api";
import { ScopeWord } from "./ScopeWord";
import { settingsTexts } from "./texts";

const lifetimes = [30, 90, 365, 0] as const;
const FOREVER = 0;

export function TokenDialog({ onClose }: { onClose: () => void }) {
  const make = useMakeToken();
  if (make.data) return <ShownOnce token={make.data.token} name={make.data.name} onClose={onClose} />;
  return <MakeToken make={make} onClose={onClose} />;
}

function MakeToken({ make, onClose }: { make: ReturnType<typeof useMakeToken>; onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const me = useMe();
  const [chosen, setChosen] = useState<readonly TokenScope[]>(["account:read"]);
  const [days, setDays] = useState<number>(90);
  const [needsScope, setNeedsScope] = useState(false);
  const { form, field } = useForm({
    initial: { name: "" },
    problem: make.error,
    check: ({ name }) => ({ name: name.trim() ? undefined : t("tokenNameMissing") }),
    onSubmit: ({ name }) => {
      if (chosen.length === 0) return setNeedsScope(true);
      make.mutate({ name: name.trim(), scopes: [...chosen], expires_in_days: days === FOREVER ? null : days });
    },
  });
  const name = field("name");
  const allowed = scopes.filter((scope) => me.role === "admin" || !scope.startsWith("admin:"));
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()} title={t("tokenMake")} description={t("tokenMakeLead")}>
      <form {...form} className="flex flex-col gap-5">
        <FormProblem error={make.error} fields={["name"]} />
        <Field label={t("tokenFor")} help={t("tokenForHelp")} error={name.error}>
          <Input {...name.control} name="token-name" autoComplete="off" autoFocus />
        </Field>
        <FieldGroup legend={t("tokenScopes")}>
          <div className="flex flex-col gap-2.5">
            {allowed.map((scope) => (
              <Checkbox
                key={scope}
                label={<ScopeWord scope={scope} />}
                checked={chosen.includes(scope)}
                onChange={(isOn) => {
                  setNeedsScope(false);
                  setChosen(isOn ? [...chosen, scope] : chosen.filter((other) => other !== scope));
                }}
              />
            ))}
          </div>
          <div role="alert" className="text-xs text-brick-text empty:hidden">
            {needsScope ? t("tokenScopeMissing") : null}
          </div>
        </FieldGroup>
        <Field label={t("tokenLifetime")} help={days === FOREVER ? t("tokenForeverHelp") : undefined}>
          <Select
            options={lifetimes.map((value) => ({
              value,
              label: value === FOREVER ? t("tokenForever") : t("tokenDays", { days: value }),
            }))}
            value={days}
            onChange={setDays}
          />
        </Field>
        <div className="flex justify-end gap-2">
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" variant="primary" busy={make.isPending}>
            {t("tokenMake")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function ShownOnce({ token, name, onClose }: { token: string; name: string; onClose: () => void }) {
  const t = useTexts(settingsTexts);
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={t("tokenReady", { name })}
      description={t("tokenOnce")}
      footer={
        <Button variant="primary" onClick={onClose}>
          {t("done")}
        </Button>
      }
    >
      <div className="flex items-center gap-2 rounded-sm border border-border bg-sunken py-1.5 pr-1.5 pl-3">
        <code className="min-w-0 grow font-mono text-xs break-all select-all">{token}</code>
        <CopyButton text={token} label={t("tokenCopy")} />
      </div>
      <p className="mt-4 text-muted-foreground">{t("tokenUse")}</p>
      <pre className="mt-1.5 overflow-x-auto rounded-sm bg-sunken px-3 py-2 font-mono text-xs">
        Authorization: Bearer ktr_…{token.slice(-4)}
      </pre>
    </Dialog>
  );
}
