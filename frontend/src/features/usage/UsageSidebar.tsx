import { useQuery } from "@tanstack/react-query";
import { ChartColumn, Gauge, ReceiptText, Tags, Wallet } from "lucide-react";
import { SidebarCaption, SidebarHead, SidebarNav, SidebarRow } from "@/shared/frame/sidebar";
import { today } from "@/shared/i18n/days";
import { formatMoney } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { balanceQuery } from "@/shared/receipts/balance";
import { ProgressBar } from "@/shared/ui/marks";
import { type UsageGroup, usageQuery } from "./api";
import { monthName, periodOf } from "./period";
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
  const cost = data?.total.cost;
  if (!cost || data.items.length === 0) return null;
  const money = (nano: number) => formatMoney(nano, cost.currency, {}, locale);
  const rows = withOthers(data.items, t("others"));
  const most = Math.max(1, ...rows.map(({ nano }) => nano));
  return (
    <>
      <SidebarCaption>{monthName(now, locale)}</SidebarCaption>
      <div className="num flex flex-col gap-2.5 px-2 pt-1 pb-4">
        {rows.map(({ key, label, nano }) => (
          <div key={key}>
            <div className="flex gap-2 text-muted-foreground">
              <span className="min-w-0 grow truncate">{label}</span>
              <span className="text-foreground">{money(nano)}</span>
            </div>
            <ProgressBar label={label} value={nano} max={most} className="mt-1 !h-[3px]" />
          </div>
        ))}
        <div className="flex gap-2 border-t border-border pt-2 font-medium">
          <span className="grow">{t("sum")}</span>
          <span>{money(cost.nano)}</span>
        </div>
      </div>
    </>
  );
}

function withOthers(items: readonly UsageGroup[], others: string): { key: string; label: string; nano: number }[] {
  const sorted = items
    .map(({ key, label, cost }) => ({ key, label, nano: cost?.nano ?? 0 }))
    .toSorted((a, b) => b.nano - a.nano);
  if (sorted.length <= SHOWN + 1) return sorted;
  const rest = sorted.slice(SHOWN).reduce((sum, { nano }) => sum + nano, 0);
  return [...sorted.slice(0, SHOWN), { key: "", label: others, nano: rest }];
}
