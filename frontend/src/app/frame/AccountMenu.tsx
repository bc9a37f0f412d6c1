import { Languages, LogOut, Monitor, Moon, Settings2, Sun, SunMoon } from "lucide-react";
import { useWorkspace } from "@/shared/frame/workspace";
import { languageNames } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useBinding } from "@/shared/keys/use-keys";
import { useChangeSettings, useMe } from "@/shared/session/queries";
import { Avatar } from "@/shared/ui/marks";
import { Menu, type MenuEntry } from "@/shared/ui/menu";
import { appTexts } from "../texts";

export function useAccountEntries(): MenuEntry[] {
  const t = useTexts(appTexts);
  const me = useMe();
  const workspace = useWorkspace();
  const { mutate } = useChangeSettings({ failsAloud: true });
  const settingsKeys = useBinding("settings");
  const { language, theme } = me.settings;
  return [
    { label: t("profile"), icon: Settings2, keys: settingsKeys, onSelect: () => workspace.open("/settings") },
    {
      kind: "sub",
      label: t("theme"),
      icon: SunMoon,
      aside: { light: t("light"), dark: t("dark"), system: t("system") }[theme],
      entries: [
        {
          kind: "radio",
          label: t("theme"),
          value: theme,
          options: [
            { value: "light", label: t("light"), icon: Sun },
            { value: "dark", label: t("dark"), icon: Moon },
            { value: "system", label: t("system"), icon: Monitor },
          ],
          onChange: (next) => mutate({ theme: next as typeof theme }),
        },
      ],
    },
    {
      kind: "sub",
      label: t("language"),
      icon: Languages,
      aside: language === "system" ? t("system") : languageNames[language],
      entries: [
        {
          kind: "radio",
          label: t("language"),
          value: language,
          options: [
            { value: "de", label: languageNames.de },
            { value: "en", label: languageNames.en },
            { value: "system", label: t("system") },
          ],
          onChange: (next) => mutate({ language: next as typeof language }),
        },
      ],
    },
    { kind: "separator" },
    { label: t("signOut"), icon: LogOut, onSelect: workspace.signOut },
  ];
}

export function AccountMenu({ className }: { className: string }) {
  const t = useTexts(appTexts);
  const me = useMe();
  const entries = useAccountEntries();
  return (
    <Menu
      side="right"
      align="end"
      header={
        <div className="mx-2.5 mb-1 border-b border-border-soft pt-1.5 pb-2.5">
          <div className="font-medium">{me.name}</div>
          {me.email ? <div className="text-xs text-muted-foreground">{me.email}</div> : null}
        </div>
      }
      trigger={
        <button type="button" aria-label={t("account", { name: me.initials })} className={className}>
          <Avatar initials={me.initials} size={28} look="self" />
        </button>
      }
      entries={entries}
    />
  );
}
