import { useQuery } from "@tanstack/react-query";
import { Wallet } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { retryConnection, useConnection } from "@/shared/api/connection";
import { Link } from "@/shared/frame/link";
import { today } from "@/shared/i18n/days";
import { formatDuration, formatMoney, formatPercent, formatTime } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { runAction, useBinding } from "@/shared/keys/use-keys";
import { balanceQuery, dayQuery } from "@/shared/receipts/balance";
import { jobsQuery, jobTitle } from "@/shared/session/jobs";
import { useIsAdmin } from "@/shared/session/queries";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { Kbd } from "@/shared/ui/kbd";
import { Dot, ProgressBar } from "@/shared/ui/marks";
import { Spinner } from "@/shared/ui/spinner";
import { appTexts } from "../texts";

export const BudgetWarning = lazy(() => import("@/shared/receipts/BudgetWarning"));
export const ProvidersDown = lazy(() => import("@/shared/models/ProvidersDown"));

const link = "touch flex items-center gap-1.5 rounded-xs hover:text-foreground";

export function ConnectionMark() {
  const t = useTexts(appTexts);
  const locale = useLocale();
  const connection = useConnection();
  const [now, setNow] = useState(Date.now());
  const isLost = connection.state === "lost";
  useEffect(() => {
    if (!isLost) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isLost]);
  if (connection.state === "connected") {
    return (
      <button type="button" className={link} onClick={() => runAction("help.keys")}>
        <Dot />
        {t("connected")}
      </button>
    );
  }
  const wait = connection.retryAt === null ? 0 : Math.max(0, Math.ceil((connection.retryAt - now) / 1000));
  return (
    <span role="status" className="flex items-center gap-4 text-brass-text">
      <span className="flex items-center gap-1.5">
        <Dot tone="brass" hollow />
        {t("disconnectedSince", { time: formatTime(connection.since, locale) })}
      </span>
      {wait > 0 ? <span aria-hidden="true">{t("nextTry", { wait: formatDuration(wait, locale) })}</span> : null}
      <button type="button" className="touch rounded-xs font-medium" onClick={retryConnection}>
        {t("tryNow")}
      </button>
    </span>
  );
}

export function StatusLine() {
  const t = useTexts(appTexts);
  const paletteKeys = useBinding("palette");
  return (
    <section
      aria-label={t("status")}
      className="num col-span-full flex min-w-0 items-center gap-4 overflow-hidden pr-4 pl-[1.125rem] text-xs whitespace-nowrap text-muted-foreground"
    >
      <ConnectionMark />
      {useIsAdmin() ? (
        <Suspense>
          <ProvidersDown className={link} />
        </Suspense>
      ) : null}
      <RunningJobs />
      <span className="grow" />
      <Suspense>
        <BudgetWarning className={link} />
      </Suspense>
      <Costs />
      <button type="button" className={link} onClick={() => runAction("palette")}>
        {paletteKeys.length ? <Kbd keys={paletteKeys} /> : null}
        {t("commands")}
      </button>
    </section>
  );
}

/** What today cost, and what is left where one pays beforehand. Quiet until there is something to tell. */
function Costs() {
  const t = useTexts(appTexts);
  const locale = useLocale();
  const { data: balance } = useQuery(balanceQuery);
  const { data: usage } = useQuery(dayQuery(today(locale.timeZone)));
  const { cost, unknown_runs: unknown = 0 } = usage?.total ?? {};
  const money = (nano: number, currency: string) => formatMoney(nano, currency, {}, locale);
  return (
    <>
      {unknown > 0 || (cost && cost.nano > 0) ? (
        <Link to="/usage" className={link}>
          {t("costToday", {
            amount: [
              cost && cost.nano > 0 ? money(cost.nano, cost.currency) : null,
              unknown > 0 ? t("costUnknown", { count: unknown }) : null,
            ]
              .filter(Boolean)
              .join(" + "),
          })}
        </Link>
      ) : null}
      {balance?.is_on ? (
        <Link
          to="/balance"
          aria-label={t("balance", { amount: money(balance.available, balance.currency) })}
          className={cx(link, balance.available <= 0 && "text-brick-text")}
        >
          <Icon icon={Wallet} size={14} />
          {money(balance.available, balance.currency)}
        </Link>
      ) : null}
    </>
  );
}

function RunningJobs() {
  const t = useTexts(appTexts);
  const locale = useLocale();
  const { data } = useQuery(jobsQuery);
  const running = data?.items.filter((job) => job.state === "running") ?? [];
  const [first] = running;
  if (!first) return null;
  const share = first.total ? first.done / first.total : null;
  return (
    <Link to="/" hash="jobs" className={cx(link, "min-w-0")}>
      <Spinner size={13} />
      <span className="truncate">
        {running.length === 1 ? jobTitle(first, locale.language) : t("jobsRunning", { count: running.length })}
      </span>
      {running.length === 1 && share !== null ? (
        <>
          <ProgressBar label={jobTitle(first, locale.language)} value={share} max={1} className="!w-16" />
          {formatPercent(share, 0, locale)}
        </>
      ) : null}
    </Link>
  );
}
