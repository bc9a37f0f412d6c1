import { CircleQuestionMark } from "lucide-react";
import type { Area } from "@/shared/frame/feature";
import { Link } from "@/shared/frame/link";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { runAction, useBinding } from "@/shared/keys/use-keys";
import { useMe } from "@/shared/session/queries";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { Logo, PRODUCT_NAME } from "@/shared/ui/logo";
import { Tooltip } from "@/shared/ui/tooltip";
import { areas } from "../features";
import { appTexts } from "../texts";
import { AccountMenu } from "./AccountMenu";

const cell =
  "relative grid size-10 flex-none place-items-center rounded-lg transition-colors duration-[120ms] data-popup-open:bg-hover";

export function Rail({ activeArea }: { activeArea: string | undefined }) {
  const t = useTexts(appTexts);
  const me = useMe();
  const helpKeys = useBinding("help.keys");
  const visible = areas.filter((area) => area.visible?.(me) ?? true);
  return (
    <nav
      aria-label={t("areas")}
      className="flex min-h-0 flex-col items-center gap-1 overflow-y-auto pt-3 pb-2 [scrollbar-width:none]"
    >
      <Link to="/" aria-label={PRODUCT_NAME} className={cx(cell, "mb-2")}>
        <Logo size={23} />
      </Link>
      {visible
        .filter((area) => area.place === "top")
        .map((area) => (
          <RailLink key={area.id} area={area} isActive={area.id === activeArea} />
        ))}
      <span className="grow" />
      {visible
        .filter((area) => area.place === "bottom")
        .map((area) => (
          <RailLink key={area.id} area={area} isActive={area.id === activeArea} />
        ))}
      <Tooltip label={t("help")} keys={helpKeys} side="right">
        <button
          type="button"
          aria-label={t("help")}
          onClick={() => runAction("help.keys")}
          className={cx(cell, "text-muted-foreground hover:bg-hover hover:text-foreground")}
        >
          <Icon icon={CircleQuestionMark} size={19} />
        </button>
      </Tooltip>
      <AccountMenu className={cx(cell, "hover:bg-hover")} />
    </nav>
  );
}

function RailLink({ area, isActive }: { area: Area; isActive: boolean }) {
  const { language } = useLocale();
  const keys = useBinding(`go.${area.id}`);
  const title = area.title[language];
  return (
    <Tooltip label={title} keys={keys} side="right">
      <Link
        to={area.path}
        aria-label={title}
        aria-current={isActive ? "page" : undefined}
        className={cx(
          cell,
          isActive ? "bg-selected text-primary-text" : "text-muted-foreground hover:bg-hover hover:text-foreground",
        )}
      >
        <Icon icon={area.icon} size={19} />
        {area.useUnread ? <Unread useUnread={area.useUnread} /> : null}
      </Link>
    </Tooltip>
  );
}

export function Unread({ useUnread }: { useUnread: () => boolean }) {
  if (!useUnread()) return null;
  return <span className="absolute top-1.5 right-1.5 size-[7px] rounded-full bg-primary ring-2 ring-frame" />;
}
