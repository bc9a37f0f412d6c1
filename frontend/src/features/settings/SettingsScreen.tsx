import { useParams } from "@tanstack/react-router";
import type { ComponentType } from "react";
import { Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { useAnchor } from "@/shared/frame/use-anchor";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/states";
import { AppearanceSection } from "./AppearanceSection";
import { catalogue, type SectionId } from "./catalogue";
import { KeysSection } from "./KeysSection";
import { LanguageSection } from "./LanguageSection";
import { ModelsSection } from "./ModelsSection";
import { NotificationsSection } from "./NotificationsSection";
import { PrivacySection } from "./PrivacySection";
import { ProfileSection } from "./ProfileSection";
import { SecuritySection } from "./SecuritySection";
import { TokensSection } from "./TokensSection";
import { settingsTexts } from "./texts";

const bodies: Record<SectionId, ComponentType> = {
  profile: ProfileSection,
  appearance: AppearanceSection,
  language: LanguageSection,
  keys: KeysSection,
  notifications: NotificationsSection,
  security: SecuritySection,
  models: ModelsSection,
  tokens: TokensSection,
  privacy: PrivacySection,
};

export default function SettingsScreen() {
  const t = useTexts(settingsTexts);
  const { language } = useLocale();
  const { section: id = "" }: { section?: string } = useParams({ strict: false });
  const section = catalogue.section(id);
  useAnchor();
  if (!section) {
    return (
      <Screen title={t("noSection")} tabTitle={t("settings")} width="form">
        <EmptyState
          title={t("noSectionText")}
          action={<Button render={<Link to="/settings/profile" />}>{t("toProfile")}</Button>}
        />
      </Screen>
    );
  }
  const Body = bodies[section.id];
  return (
    <Screen title={section.title[language]} width="form">
      <Body />
    </Screen>
  );
}
