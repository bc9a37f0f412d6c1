import { ChevronRight } from "lucide-react";
import { Fragment, type ReactNode } from "react";
import { formatNumber } from "../i18n/format";
import { useTexts } from "../i18n/texts";
import { Button } from "./button";
import { Icon } from "./icons";
import { uiTexts } from "./texts";

/** The way here; the last entry is the heading of the sheet and no link. */
export function Breadcrumb({ items }: { items: readonly { label: string; link?: (label: string) => ReactNode }[] }) {
  const t = useTexts(uiTexts);
  return (
    <nav aria-label={t("breadcrumb")} className="min-w-0">
      <ol className="flex min-w-0 items-center gap-2">
        {items.map((item, index) => (
          <Fragment key={item.label}>
            {index > 0 ? (
              <li aria-hidden="true">
                <Icon icon={ChevronRight} size={14} className="text-faint" />
              </li>
            ) : null}
            <li className="min-w-0 truncate text-muted-foreground last:font-semibold last:text-foreground">
              {item.link ? item.link(item.label) : <span aria-current="page">{item.label}</span>}
            </li>
          </Fragment>
        ))}
      </ol>
    </nav>
  );
}

/** The end of a list read by cursor. Says how much there is when the server knows. */
export function LoadMore({
  loaded,
  total,
  hasMore,
  busy,
  onLoad,
}: {
  loaded: number;
  total?: number | null;
  hasMore: boolean;
  busy: boolean;
  onLoad: () => void;
}) {
  const t = useTexts(uiTexts);
  if (!hasMore && !total) return null;
  return (
    <div className="flex items-center gap-3 py-3 text-muted-foreground">
      {hasMore ? (
        <Button onClick={onLoad} busy={busy}>
          {t("loadMore")}
        </Button>
      ) : null}
      {total ? (
        <span className="num text-xs">
          {t("loadedOf", { loaded: formatNumber(loaded), total: formatNumber(total) })}
        </span>
      ) : null}
    </div>
  );
}
