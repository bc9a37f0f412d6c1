import { PlainPage } from "@/shared/frame/page";
import { useTexts } from "@/shared/i18n/texts";
import { authTexts } from "./texts";

export default function LoginScreen() {
  const t = useTexts(authTexts);
  return <PlainPage title={t("signIn")}>{null}</PlainPage>;
}
