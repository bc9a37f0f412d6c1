import { useTexts } from "@/shared/i18n/texts";
import { useInstallation, useMe } from "@/shared/session/queries";
import { Switch } from "@/shared/ui/choice";
import { Rows, SettingRow, useSettingTitle } from "./parts";
import { settingsTexts } from "./texts";
import { useSave } from "./use-save";

type Kind = "sign_ins" | "jobs" | "approvals" | "shares";

export function NotificationsSection() {
  const t = useTexts(settingsTexts);
  const me = useMe();
  const { data: installation } = useInstallation();
  const approves = me.role !== "user" && installation?.kind === "multi";
  return (
    <>
      <p className="max-w-[38.5rem] text-muted-foreground">{t("notificationsLead")}</p>
      <Rows>
        <NotifyRow id="notify-sign-ins" kind="sign_ins" help={t("notifySignInsHelp")} />
        <NotifyRow id="notify-shares" kind="shares" help={t("notifySharesHelp")} />
        <NotifyRow id="notify-jobs" kind="jobs" help={t("notifyJobsHelp")} />
        {approves ? <NotifyRow id="notify-approvals" kind="approvals" help={t("notifyApprovalsHelp")} /> : null}
      </Rows>
      {installation?.kind === "multi" && installation.owners_see_full_access ? (
        <p className="mt-5 max-w-[38.5rem] text-muted-foreground">{t("notifyAlways")}</p>
      ) : null}
    </>
  );
}

function NotifyRow({ id, kind, help }: { id: string; kind: Kind; help: string }) {
  const t = useTexts(settingsTexts);
  const { settings } = useMe();
  const save = useSave();
  const title = useSettingTitle(id);
  return (
    <SettingRow id={id} help={help} isSwitch>
      <Switch
        label={<span className="sr-only">{title}</span>}
        checked={settings.notifications[kind] ?? true}
        onChange={(isOn) =>
          save(
            { notifications: { ...settings.notifications, [kind]: isOn } },
            isOn ? t("notifyOn", { what: title }) : t("notifyOff", { what: title }),
          )
        }
      />
    </SettingRow>
  );
}
