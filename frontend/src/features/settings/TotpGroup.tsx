import { useQueryClient } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import { useState } from "react";
import { useTexts } from "@/shared/i18n/texts";
import { meQuery, useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { AlertDialog } from "@/shared/ui/dialog";
import { FormProblem } from "@/shared/ui/form-problem";
import { StateMark } from "@/shared/ui/marks";
import { useRenewRecoveryCodes, useTurnTotpOff } from "./api";
import { SettingGroup } from "./parts";
import { RecoveryCodes } from "./RecoveryCodes";
import { TotpSetup } from "./TotpSetup";
import { settingsTexts } from "./texts";

type Open = "setup" | "renew" | "off" | null;

export function TotpGroup() {
  const t = useTexts(settingsTexts);
  const me = useMe();
  const client = useQueryClient();
  const [open, setOpen] = useState<Open>(null);
  const close = () => {
    setOpen(null);
    void client.invalidateQueries({ queryKey: meQuery.queryKey });
  };
  return (
    <SettingGroup
      id="totp"
      lead={t("totpLead")}
      actions={
        me.totp_enabled ? (
          <>
            <StateMark icon={CircleCheck}>{t("on")}</StateMark>
            <Button variant="danger" onClick={() => setOpen("off")}>
              {t("turnOff")}
            </Button>
          </>
        ) : (
          <Button onClick={() => setOpen("setup")} disabled={!me.has_password}>
            {t("turnOn")}
          </Button>
        )
      }
    >
      {!me.totp_enabled && !me.has_password ? <p className="text-muted-foreground">{t("totpNeedsPassword")}</p> : null}
      {me.totp_enabled ? <Button onClick={() => setOpen("renew")}>{t("codesRenew")}</Button> : null}
      {open === "setup" ? <TotpSetup onClose={close} /> : null}
      {open === "renew" ? <RenewCodes onClose={close} /> : null}
      {open === "off" ? <TurnOff onClose={close} /> : null}
    </SettingGroup>
  );
}

function RenewCodes({ onClose }: { onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const renew = useRenewRecoveryCodes();
  if (renew.data) return <RecoveryCodes codes={renew.data.recovery_codes} onClose={onClose} />;
  return (
    <AlertDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={t("codesRenew")}
      description={t("codesRenewLead")}
      action={t("codesMake")}
      destructive={false}
      busy={renew.isPending}
      onConfirm={() => renew.mutate()}
    >
      <FormProblem error={renew.error} />
    </AlertDialog>
  );
}

function TurnOff({ onClose }: { onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const off = useTurnTotpOff();
  return (
    <AlertDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={t("totpOffTitle")}
      description={t("totpOffLead")}
      action={t("turnOff")}
      busy={off.isPending}
      onConfirm={() => off.mutate(undefined, { onSuccess: onClose })}
    >
      <FormProblem error={off.error} />
    </AlertDialog>
  );
}
