import { useQuery } from "@tanstack/react-query";
import { ChartColumn, Gauge, ReceiptText, Tags, Wallet } from "lucide-react";
import { SidebarCaption, SidebarHead, SidebarNav, SidebarRow } from "@/shared/frame/sidebar";
import { today } from "@/shared/i18n/days";
import { formatMoney } from "@/shared/i18n/format";
import { type Locale, useLocale } from "@/shared/i18n/locale";
import { type Say, useTexts } from "@/shared/i18n/texts";
import { balanceQuery } from "@/shared/receipts/balance";
import { costWords } from "@/shared/receipts/costs";
import { monthName, periodOf } from "@/shared/receipts/period";
import { cx } from "@/shared/ui/cx";
import { ProgressBar } from "@/shared/ui/marks";
import { type Usage, usageQuery } from "./api";
import { usageTexts } from "./texts";

const SHOWN = 4;

export default function UsageSidebar() {
  const t = useTexts(usageTexts);
  const { data: balance } = useQuery(balanceQuery);
  return (
    <>
      <SidebarHead title={t("usage")} />
      <SidebarNav label={t("usage")}>
        <SidebarRow to="/usage" icon={ChartColumn}>
          {t("overview")}
        </SidebarRow>
        {balance?.is_on ? (
          <SidebarRow to="/balance" icon={Wallet}>
            {t("balance")}
          </SidebarRow>
        ) : null}
        <SidebarRow to="/receipts" icon={ReceiptText}>
          {t("receipts")}
        </SidebarRow>
        <SidebarRow to="/prices" icon={Tags}>
          {t("prices")}
        </SidebarRow>
        <SidebarRow to="/limits" icon={Gauge}>
          {t("limits")}
        </SidebarRow>
        <Month />
      </SidebarNav>
    </>
  );
}

/** What the month went into, the dearest first. */
function Month() {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const now = today(locale.timeZone);
  const { data } = useQuery(usageQuery("model", periodOf("month", now)));
  if (!data || data.items.length === 0) return null;
  const rows = rowsOf(data, t, locale);
  const most = Math.max(1, ...rows.map(({ nano }) => nano ?? 0));
  const total = costWords(data.total, locale);
  return (
    <>
      <SidebarCaption>{monthName(now, locale)}</SidebarCaption>
      <div className="num flex flex-col gap-2.5 px-2 pt-1 pb-4">
        {rows.map(({ key, label, nano, words }) => (
          <div key={key}>
            <div className="flex gap-2 text-muted-foreground">
              <span className="min-w-0 grow truncate">{label}</span>
              <span className={cx("whitespace-nowrap", nano === null ? "text-brass-text" : "text-foreground")}>
                {words}
              </span>
            </div>
            <ProgressBar label={label} value={nano} max={most} className="mt-1 !h-[3px]" />
          </div>
        ))}
        <div className="flex flex-wrap gap-x-2 border-t border-border pt-2">
          <span className="grow font-medium">{t("sum")}</span>
          <span className="font-medium">{total.main}</span>
          {total.notes.map((note) => (
            <span key={note} className="w-full text-right text-2xs text-muted-foreground">
              {note}
            </span>
          ))}
        </div>
      </div>
    </>
  );
}

interface Row {
  key: string;
  label: string;
  /** Null where nobody knows what any of it cost. */
  nano: number | null;
  words: string;
}

function rowsOf(usage: Usage, t: Say<(typeof usageTexts)["en"]>, locale: Locale): Row[] {
  const sorted = usage.items
    .map((item) => ({
      key: item.key,
      label: item.label,
      nano: item.cost ? item.cost.nano : null,
      words: costWords(item, locale).main,
    }))
    .toSorted((a, b) => (b.nano ?? -1) - (a.nano ?? -1));
  if (sorted.length <= SHOWN + 1) return sorted;
  const rest = sorted.slice(SHOWN).filter(({ nano }) => nano !== null);
  const nano = rest.length > 0 ? rest.reduce((sum, row) => sum + (row.nano ?? 0), 0) : null;
  const words = nano === null ? t("unknown") : formatMoney(nano, usage.total.cost?.currency ?? "EUR", {}, locale);
  return [...sorted.slice(0, SHOWN), { key: "", label: t("others"), nano, words }];
}
