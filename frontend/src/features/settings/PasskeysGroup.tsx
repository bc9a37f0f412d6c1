import { useQuery } from "@tanstack/react-query";
import { Fingerprint, Plus } from "lucide-react";
import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { useTexts } from "@/shared/i18n/texts";
import { clientName } from "@/shared/session/client-name";
import { canUsePasskeys, PasskeyDismissed } from "@/shared/session/passkeys";
import { Button } from "@/shared/ui/button";
import { AlertDialog, Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Icon } from "@/shared/ui/icons";
import { Input } from "@/shared/ui/input";
import { ErrorState, LoadingBars } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { When } from "@/shared/ui/values";
import { passkeysQuery, useAddPasskey, useRemovePasskey } from "./api";
import { SettingGroup } from "./parts";
import { settingsTexts } from "./texts";

export function PasskeysGroup() {
  const t = useTexts(settingsTexts);
  const passkeys = useQuery(passkeysQuery);
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<{ id: string; name: string } | null>(null);
  const isPossible = canUsePasskeys();
  return (
    <SettingGroup
      id="passkeys"
      lead={t("passkeysLead")}
      actions={
        <Button icon={Plus} disabled={!isPossible} onClick={() => setAdding(true)}>
          {t("passkeyAdd")}
        </Button>
      }
    >
      {isPossible ? null : <p className="mb-3 text-muted-foreground">{t("passkeysImpossible")}</p>}
      {passkeys.isPending ? <LoadingBars rows={1} /> : null}
      {passkeys.isError && !passkeys.data ? (
        <ErrorState error={passkeys.error} onRetry={() => void passkeys.refetch()} />
      ) : null}
      {passkeys.data?.items.length === 0 ? <p className="text-faint">{t("passkeysNone")}</p> : null}
      {passkeys.data?.items.length ? (
        <ul className="border-t border-border-soft">
          {passkeys.data.items.map((passkey) => (
            <li
              key={passkey.id}
              className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-border-soft py-2.5"
            >
              <Icon icon={Fingerprint} size={17} className="text-faint" />
              <span className="min-w-0 grow basis-40">
                <span className="block truncate font-medium">{passkey.name}</span>
                <span className="block text-xs text-muted-foreground">
                  {t("addedOn")} <When at={passkey.created_at} />
                  {", "}
                  {passkey.last_used_at ? (
                    <>
                      {t("lastUsed")} <When at={passkey.last_used_at} />
                    </>
                  ) : (
                    t("neverUsed")
                  )}
                </span>
              </span>
              <Button
                variant="danger"
                size="sm"
                aria-label={t("removeNamed", { name: passkey.name })}
                onClick={() => setRemoving(passkey)}
              >
                {t("remove")}
              </Button>
            </li>
          ))}
        </ul>
      ) : null}
      {isAdding ? <AddPasskey onClose={() => setAdding(false)} /> : null}
      {removing ? <RemovePasskey passkey={removing} onClose={() => setRemoving(null)} /> : null}
    </SettingGroup>
  );
}

function AddPasskey({ onClose }: { onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const add = useAddPasskey();
  const { form, field } = useForm({
    initial: { name: clientName(navigator.userAgent).name },
    problem: add.error,
    check: ({ name }) => ({ name: name.trim() ? undefined : t("passkeyNameMissing") }),
    onSubmit: ({ name }) =>
      add.mutate(name.trim(), {
        onSuccess: () => {
          toast({ text: t("passkeyAdded", { name: name.trim() }) });
          onClose();
        },
      }),
  });
  const name = field("name");
  const isKnown = add.error instanceof DOMException && add.error.name === "InvalidStateError";
  const error = add.error instanceof PasskeyDismissed || isKnown ? null : add.error;
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={t("passkeyAdd")}
      description={t("passkeyAddLead")}
      width="sm"
    >
      <form {...form} className="flex flex-col gap-4">
        <FormProblem error={error} fields={["name"]} />
        {isKnown ? <p role="alert">{t("passkeyKnown")}</p> : null}
        <Field label={t("passkeyName")} help={t("passkeyNameHelp")} error={name.error}>
          <Input {...name.control} name="passkey-name" autoComplete="off" autoFocus />
        </Field>
        <div className="flex justify-end gap-2">
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button
            type="submit"
            variant="primary"
            busy={add.isPending}
            disabled={isProblem(add.error, "auth.passkeys_unavailable")}
          >
            {t("passkeyMake")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function RemovePasskey({ passkey, onClose }: { passkey: { id: string; name: string }; onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const remove = useRemovePasskey();
  return (
    <AlertDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={t("passkeyRemoveTitle", { name: passkey.name })}
      description={t("passkeyRemoveText")}
      action={t("remove")}
      busy={remove.isPending}
      onConfirm={() =>
        remove.mutate(passkey.id, {
          onSuccess: () => {
            toast({ text: t("passkeyRemoved", { name: passkey.name }) });
            onClose();
          },
        })
      }
    >
      <FormProblem error={remove.error} />
    </AlertDialog>
  );
}
