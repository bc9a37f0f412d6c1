import { CircleAlert, CircleSlash, Clock, MailOpen, MailQuestionMark } from "lucide-react";
import { useTexts } from "@/shared/i18n/texts";
import { Dot, StateMark } from "@/shared/ui/marks";
import { useMinute, When } from "@/shared/ui/values";
import { adminTexts } from "../texts";
import type { State, User } from "./api";
import { usersTexts } from "./texts";

const looks = {
  active: { tone: "primary" },
  waiting: { tone: "brass", icon: Clock },
  invited: { tone: "neutral", icon: MailOpen },
  unverified: { tone: "neutral", icon: MailQuestionMark },
  suspended: { tone: "brick", icon: CircleSlash },
} as const;

export function PersonState({ state }: { state: State }) {
  const t = useTexts(usersTexts);
  return <StateMark {...looks[state]}>{t(`state.${state}`)}</StateMark>;
}

function isWay(way: string): way is "password" | "totp" | "passkey" | "oidc" {
  return ["password", "totp", "passkey", "oidc"].includes(way);
}

/** A password alone is the one thing worth a second look here. */
export function SignInWays({ user }: { user: User }) {
  const t = useTexts(usersTexts);
  if (user.sign_in.length === 0) return <span className="text-faint">–</span>;
  if (user.sign_in.length === 1 && user.sign_in[0] === "password") {
    return user.role === "user" ? (
      <span className="text-muted-foreground">{t("way.password")}</span>
    ) : (
      <span className="inline-flex items-center gap-1.5 align-middle whitespace-nowrap text-brass-text">
        <CircleAlert size={14} strokeWidth={2} aria-hidden="true" />
        {t("passwordOnly")}
      </span>
    );
  }
  // The app's code comes on top of the password, so it stands for both.
  const ways = user.sign_in.includes("totp") ? user.sign_in.filter((way) => way !== "password") : user.sign_in;
  return (
    <span className="text-muted-foreground">{ways.map((way) => (isWay(way) ? t(`way.${way}`) : way)).join(", ")}</span>
  );
}

const NOW_MS = 5 * 60_000;

export function LastSeen({ user }: { user: User }) {
  const t = useTexts(usersTexts);
  const a = useTexts(adminTexts);
  const minute = useMinute();
  if (!user.last_seen_at) return <span className="text-faint">{a("never")}</span>;
  if (user.sessions > 0 && minute - Date.parse(user.last_seen_at) < NOW_MS) {
    return (
      <span className="inline-flex items-center gap-1.5 align-middle text-foreground">
        <Dot />
        {t("now")}
      </span>
    );
  }
  return <When at={user.last_seen_at} />;
}
