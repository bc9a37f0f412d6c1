import { useQueryClient } from "@tanstack/react-query";
import { Fingerprint, LogIn } from "lucide-react";
import { useEffect, useState } from "react";
import type { Asking, ProofMethod } from "../../api/proof";
import { useWait } from "../../api/use-wait";
import { textLinkClass } from "../../frame/link";
import { useTexts } from "../../i18n/texts";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { FormProblem } from "../../ui/form-problem";
import { Input, PasswordInput } from "../../ui/input";
import { useForm } from "../../ui/use-form";
import { canUsePasskeys, PasskeyDismissed } from "../passkeys";
import { meQuery, useInstallation } from "../queries";
import { useProve } from "./api";
import { proofTexts } from "./texts";

type Typed = "password" | "code";
const isTyped = (method: ProofMethod): method is Typed => method === "password" || method === "code";

/** One question, answered by whatever this person has; the request that waits for it goes on by itself. */
export default function ProofDialog({ asking }: { asking: Asking }) {
  const t = useTexts(proofTexts);
  const prove = useProve(asking);
  const cancel = () => asking.settle(false);
  useCancelByKey(cancel);
  const typed = asking.methods.filter(isTyped);
  const hasPasskey = asking.methods.includes("passkey") && canUsePasskeys();
  const provider = useInstallation().data?.oidc[0];
  const error = prove.error instanceof PasskeyDismissed ? null : prove.error;
  const others = [
    hasPasskey ? (
      <Button
        key="passkey"
        icon={Fingerprint}
        busy={prove.isPending && prove.variables === "passkey"}
        onClick={() => prove.mutate("passkey")}
        className="w-full"
      >
        {t("passkey")}
      </Button>
    ) : null,
    asking.methods.includes("provider") && provider ? (
      <div key="provider">
        <Button
          icon={LogIn}
          className="w-full"
          // A real page load: the way leads over the provider's own pages, and back to this one.
          render={<a href={`/api/v1/auth/oidc/${encodeURIComponent(provider.id)}?fresh=1&next=${here()}`} />}
        >
          {t("provider", { name: provider.label })}
        </Button>
        <p className="mt-1.5 text-xs text-muted-foreground">{t("providerHelp")}</p>
      </div>
    ) : null,
  ].filter((way) => way !== null);
  return (
    <Dialog open onOpenChange={(next) => !next && cancel()} title={t("title")} description={t("lead")} width="sm">
      {typed.length > 0 ? (
        <TypedProof
          methods={typed}
          busy={prove.isPending && prove.variables !== "passkey"}
          problem={error}
          onSubmit={(kind, proof) => prove.mutate(kind === "password" ? { password: proof } : { code: proof })}
          onCancel={cancel}
        />
      ) : (
        <FormProblem error={error} className="mb-4" />
      )}
      {typed.length > 0 && others.length > 0 ? <Or /> : null}
      {others.length > 0 ? <div className="flex flex-col gap-3">{others}</div> : null}
      {typed.length === 0 && others.length === 0 ? <p>{t("none")}</p> : null}
      {typed.length === 0 ? (
        <div className="mt-4 flex justify-end">
          <Button variant="ghost" onClick={cancel}>
            {t("cancel")}
          </Button>
        </div>
      ) : null}
    </Dialog>
  );
}

const here = () => encodeURIComponent(location.pathname + location.search);

/** The dialog may stand over another one, which is not its parent and would take the same key for its own. */
function useCancelByKey(cancel: () => void) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      cancel();
    };
    window.addEventListener("keydown", onKey, { capture: true });
    return () => window.removeEventListener("keydown", onKey, { capture: true });
  });
}

function Or() {
  const t = useTexts(proofTexts);
  return (
    <div className="my-4 flex items-center gap-3 text-xs text-faint">
      <span className="h-px grow bg-border-soft" />
      {t("or")}
      <span className="h-px grow bg-border-soft" />
    </div>
  );
}

function TypedProof({
  methods,
  busy,
  problem,
  onSubmit,
  onCancel,
}: {
  methods: readonly Typed[];
  busy: boolean;
  problem: unknown;
  onSubmit: (kind: Typed, proof: string) => void;
  onCancel: () => void;
}) {
  const t = useTexts(proofTexts);
  const me = useQueryClient().getQueryData(meQuery.queryKey);
  const [kind, setKind] = useState<Typed>(methods[0] ?? "password");
  const wait = useWait(problem);
  const { form, field, reset } = useForm({
    initial: { proof: "" },
    problem,
    serverNames: { proof: kind },
    told: (_name, code) => (code === "wrong" ? t(`${kind}Wrong`) : undefined),
    check: ({ proof }) => ({ proof: proof.trim() ? undefined : t(`${kind}Missing`) }),
    onSubmit: ({ proof }) => onSubmit(kind, kind === "code" ? proof.replaceAll(/\s/g, "") : proof),
  });
  const proof = field("proof");
  const other = methods.find((method) => method !== kind);
  return (
    <form {...form} className="flex flex-col gap-4">
      <FormProblem error={problem} fields={["password", "code"]} />
      {kind === "password" ? (
        <>
          <input type="text" name="username" autoComplete="username" value={me?.email ?? ""} readOnly hidden />
          <Field label={t("password")} error={proof.error}>
            <PasswordInput {...proof.control} name="password" autoComplete="current-password" autoFocus />
          </Field>
        </>
      ) : (
        <Field label={t("code")} help={t("codeHelp")} error={proof.error}>
          <Input
            {...proof.control}
            name="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            className="num"
          />
        </Field>
      )}
      {other ? (
        <button
          type="button"
          className={`${textLinkClass} self-start`}
          onClick={() => {
            setKind(other);
            reset({ proof: "" });
          }}
        >
          {t(other === "password" ? "usePassword" : "useCode")}
        </button>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onCancel}>
          {t("cancel")}
        </Button>
        <Button type="submit" variant="primary" busy={busy} disabled={wait > 0}>
          {t("confirm")}
        </Button>
      </div>
    </form>
  );
}
