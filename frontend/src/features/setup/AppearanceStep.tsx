import { Monitor, Moon, Sun } from "lucide-react";
import { useTexts } from "@/shared/i18n/texts";
import { type Settings, type SettingsChange, useChangeSettings } from "@/shared/session/queries";
import { ThemeChoice } from "@/shared/session/theme-choice";
import { Button } from "@/shared/ui/button";
import { Switch } from "@/shared/ui/choice";
import { FieldGroup } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Segmented } from "@/shared/ui/tabs";
import { type StepProps, StepSheet } from "./SetupScreen";
import { setupTexts } from "./texts";

const sizes = ["90", "100", "110", "125"] as const;

export function AppearanceStep({ me, kind, back, finish, busy, problem }: StepProps) {
  const t = useTexts(setupTexts);
  const change = useChangeSettings();
  const { settings } = me;
  const choose = (wanted: SettingsChange) => change.mutate(wanted);
  const notify = (name: keyof Settings["notifications"]) => (isOn: boolean) =>
    choose({ notifications: { ...settings.notifications, [name]: isOn } });
  return (
    <StepSheet
      title={t("appearanceTitle")}
      lead={t("appearanceLead")}
      onSubmit={finish}
      note={t("noteAppearance")}
      buttons={
        <>
          {back ? (
            <Button variant="ghost" size="lg" onClick={back}>
              {t("back")}
            </Button>
          ) : null}
          <Button type="submit" variant="primary" size="lg" keys={["Enter"]} busy={busy}>
            {t("finish")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-6">
        <FormProblem error={problem} />
        <FieldGroup legend={t("theme")}>
          <ThemeChoice
            label={t("theme")}
            value={settings.theme}
            onChange={(theme) => choose({ theme })}
            options={[
              { value: "light", label: t("light"), icon: Sun },
              { value: "dark", label: t("dark"), icon: Moon },
              { value: "system", label: t("system"), icon: Monitor },
            ]}
          />
        </FieldGroup>
        <FieldGroup legend={t("textSize")} help={t("textSizeHelp")}>
          <Segmented
            label={t("textSize")}
            items={sizes.map((size) => ({ value: size, label: <span className="num">{size}</span> }))}
            value={String(settings.text_size) as (typeof sizes)[number]}
            onChange={(size) => choose({ text_size: Number(size) as Settings["text_size"] })}
          />
        </FieldGroup>
        <FieldGroup legend={t("notifications")}>
          <div className="flex flex-col gap-3">
            <Switch
              label={t("notifySignIns")}
              checked={settings.notifications.sign_ins ?? true}
              onChange={notify("sign_ins")}
            />
            <Switch label={t("notifyJobs")} checked={settings.notifications.jobs ?? true} onChange={notify("jobs")} />
            {kind === "multi" ? (
              <Switch
                label={t("notifyApprovals")}
                checked={settings.notifications.approvals ?? true}
                onChange={notify("approvals")}
              />
            ) : null}
          </div>
        </FieldGroup>
      </div>
    </StepSheet>
  );
}
