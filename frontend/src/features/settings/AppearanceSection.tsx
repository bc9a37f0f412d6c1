import { Monitor, Moon, Sun } from "lucide-react";
import { useTexts } from "@/shared/i18n/texts";
import { type Settings, useMe } from "@/shared/session/queries";
import { ThemeChoice } from "@/shared/session/theme-choice";
import { Switch } from "@/shared/ui/choice";
import { Spinner } from "@/shared/ui/spinner";
import { Segmented } from "@/shared/ui/tabs";
import { Rows, SettingRow, useSettingTitle } from "./parts";
import { settingsTexts } from "./texts";
import { useSave } from "./use-save";

const sizes = ["90", "100", "110", "125"] as const;

export function AppearanceSection() {
  const t = useTexts(settingsTexts);
  const { settings } = useMe();
  const save = useSave();
  const names = { light: t("themeLight"), dark: t("themeDark"), system: t("themeSystem") };
  const themeTitle = useSettingTitle("theme");
  const sizeTitle = useSettingTitle("text-size");
  const motionTitle = useSettingTitle("motion");
  return (
    <Rows>
      <SettingRow id="theme" help={t("themeHelp")} wide>
        <ThemeChoice
          label={themeTitle}
          value={settings.theme}
          onChange={(theme) => save({ theme }, t("themeSaved", { theme: names[theme] }))}
          options={[
            { value: "light", label: names.light, icon: Sun },
            { value: "dark", label: names.dark, icon: Moon },
            { value: "system", label: names.system, icon: Monitor },
          ]}
        />
      </SettingRow>
      <SettingRow id="text-size" help={t("textSizeHelp")}>
        <Segmented
          label={sizeTitle}
          items={sizes.map((size) => ({
            value: size,
            label: <span className="num">{t("percent", { size: Number(size) })}</span>,
          }))}
          value={String(settings.text_size) as (typeof sizes)[number]}
          onChange={(size) =>
            save({ text_size: Number(size) as Settings["text_size"] }, t("textSizeSaved", { size: Number(size) }))
          }
        />
      </SettingRow>
      <SettingRow id="motion" help={t("motionHelp")} isSwitch>
        <Switch
          label={<span className="sr-only">{motionTitle}</span>}
          checked={settings.reduced_motion === "on"}
          onChange={(isOn) =>
            save({ reduced_motion: isOn ? "on" : "system" }, isOn ? t("motionReduced") : t("motionSystem"))
          }
        />
      </SettingRow>
      <Preview />
    </Rows>
  );
}

/** What the choices above do to a page one reads. */
function Preview() {
  const t = useTexts(settingsTexts);
  return (
    <figure className="mt-8">
      <figcaption className="cap mb-2">{t("preview")}</figcaption>
      <div className="rounded-lg border border-border bg-background px-6 py-5">
        <p className="flex items-center gap-2">
          <span className="font-medium">{t("previewAuthor")}</span>
          <span className="flex items-center gap-1.5 text-muted-foreground">
            <Spinner size={14} />
            {t("previewDoing")}
          </span>
        </p>
        <p className="reading mt-2 max-w-[38.5rem] text-base">{t("previewText")}</p>
        <p className="num mt-2 text-xs text-muted-foreground">{t("previewFoot")}</p>
      </div>
    </figure>
  );
}
