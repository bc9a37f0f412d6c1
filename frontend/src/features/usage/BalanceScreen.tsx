import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { formatDate, formatMoney } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { type Balance, balanceQuery } from "@/shared/receipts/balance";
import { Button } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { LoadMore } from "@/shared/ui/navigation";
import { Section } from "@/shared/ui/section";
import { EmptyState, ErrorState, LoadingBars } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { When } from "@/shared/ui/values";
import { entriesQuery } from "./api";
import { usageTexts } from "./texts";

export default function BalanceScreen() {
  const t = useTexts(usageTexts);
  const balance = useQuery(balanceQuery);
  return (
    <Screen title={t("balance")}>
      {balance.isPending ? <LoadingBars rows={4} /> : null}
      {balance.isError && balance.data === undefined ? (
        <ErrorState error={balance.error} onRetry={() => void balance.refetch()} />
      ) : null}
      {balance.isSuccess && !balance.data.is_on ? (
        <EmptyState title={t("balanceOff")} action={<Button render={<Link to="/usage" />}>{t("toOverview")}</Button>}>
          {t("balanceOffText")}
        </EmptyState>
      ) : null}
      {balance.data?.is_on ? (
        <>
          <Hero balance={balance.data} />
          <Entries />
        </>
      ) : null}
    </Screen>
  );
}

function Hero({ balance }: { balance: Balance }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const money = (nano: number) => formatMoney(nano, balance.currency, {}, locale);
  const sentences = [
    balance.lasts_until ? t("lasts", { date: formatDate(balance.lasts_until, locale) }) : null,
    balance.held > 0 ? t("held", { amount: money(balance.held) }) : null,
    balance.granted > 0 ? t("granted", { amount: money(balance.granted) }) : null,
    t("howToFill"),
  ].filter(Boolean);
  return (
    <div className="num pt-1">
      <div className="text-[2.75rem] leading-[3.25rem] font-semibold tracking-[-0.025em]">
        {money(balance.available)}
      </div>
      {balance.debt > 0 ? (
        <p className="mt-1.5 max-w-[26rem] text-brick-text">{t("debt", { amount: money(balance.debt) })}</p>
      ) : null}
      <p className="mt-1.5 max-w-[26rem] text-muted-foreground">{sentences.join(" ")}</p>
    </div>
  );
}

function Entries() {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const entries = useInfiniteQuery(entriesQuery);
  const items = entries.data?.pages.flatMap((page) => page.items) ?? [];
  const kindText = (kind: string) => {
    const key = `entry.${kind}`;
    return key in usageTexts.en ? t(key as "entry.grant") : kind;
  };
  return (
    <Section title={t("entries")} className="mt-8">
      {entries.isPending ? <LoadingBars rows={5} /> : null}
      {entries.isError && !entries.data ? (
        <ErrorState error={entries.error} onRetry={() => void entries.refetch()} />
      ) : null}
      {entries.data && items.length === 0 ? <p className="text-muted-foreground">{t("entriesNone")}</p> : null}
      {items.length > 0 ? (
        <>
          <Table caption={t("entries")}>
            <TableHead>
              <Th>{t("time")}</Th>
              <Th>{t("entry")}</Th>
              <Th right>{t("entryAmount")}</Th>
            </TableHead>
            <tbody>
              {items.map((entry) => (
                <Tr key={entry.id} className="!h-9">
                  <Td className="w-px whitespace-nowrap text-muted-foreground">
                    <When at={entry.at} look="full" />
                  </Td>
                  <Td>
                    {entry.run_id ? (
                      <Link to="/receipts" search={{ id: entry.run_id }} className="rounded-xs hover:underline">
                        {kindText(entry.kind)}
                      </Link>
                    ) : (
                      kindText(entry.kind)
                    )}
                    {entry.note ? <span className="text-muted-foreground">, {entry.note}</span> : null}
                  </Td>
                  <Td right className={cx("font-medium", entry.nano > 0 && "text-primary-text")}>
                    {entry.nano > 0 ? "+" : ""}
                    {formatMoney(entry.nano, entry.currency, {}, locale)}
                  </Td>
                </Tr>
              ))}
            </tbody>
          </Table>
          <LoadMore
            loaded={items.length}
            hasMore={entries.hasNextPage}
            busy={entries.isFetchingNextPage}
            onLoad={() => void entries.fetchNextPage()}
          />
        </>
      ) : null}
    </Section>
  );
}
