import { CatalogueSidebar } from "@/shared/frame/CatalogueSidebar";
import { useTexts } from "@/shared/i18n/texts";
import { catalogue } from "./catalogue";
import { settingsTexts } from "./texts";

export default function SettingsSidebar() {
  const t = useTexts(settingsTexts);
  return <CatalogueSidebar title={t("settings")} catalogue={catalogue} />;
}
