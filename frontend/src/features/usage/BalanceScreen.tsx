import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { formatDate, formatMoney } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { type Balance, balanceQuery } from "@/shared/receipts/balance";
import { entryTexts, entryWord } from "@/shared/receipts/entries";
import { Button } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { LoadMore } from "@/shared/ui/navigation";
import { Section } from "@/shared/ui/section";
import { EmptyState, ErrorState, LoadingBars } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { When } from "@/shared/ui/values";
import { type Entry, entriesQuery } from "./api";
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
  return (
    <div className="num pt-1">
      <div
        className={cx(
          "text-[2.75rem] leading-[3.25rem] font-semibold tracking-[-0.025em]",
          balance.available < 0 && "text-brick-text",
        )}
      >
        {money(balance.available)}
      </div>
      <p className="mt-1.5 max-w-[26rem] text-muted-foreground">
        {[
          balance.lasts_until ? t("lasts", { date: formatDate(balance.lasts_until, locale) }) : null,
          balance.available <= 0 ? t("emptyPurse") : null,
          t("howToFill"),
        ]
          .filter(Boolean)
          .join(" ")}
      </p>
      <Parts balance={balance} />
    </div>
  );
}

/** What the sum is made of, in the order in which it is spent, and what is kept back from it. */
function Parts({ balance }: { balance: Balance }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const money = (nano: number) => formatMoney(nano, balance.currency, {}, locale);
  if (balance.grants.length === 0 && balance.purchased === 0 && balance.held === 0 && balance.debt === 0) return null;
  return (
    <dl aria-label={t("parts")} className="mt-5 max-w-[38.5rem] border-t border-border-soft">
      {balance.grants.map(({ remaining_nano, expires_at }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are told apart by their order alone
        <Part key={index} label={t("partGranted")} amount={money(remaining_nano)}>
          {expires_at ? t("partUntil", { date: formatDate(expires_at, locale) }) : t("partForever")}
        </Part>
      ))}
      {balance.purchased > 0 ? (
        <Part label={t("partPurchased")} amount={money(balance.purchased)}>
          {t("partForever")}
        </Part>
      ) : null}
      {balance.held > 0 ? (
        <Part label={t("partHeld")} amount={money(-balance.held)}>
          {t("partHeldText")}
        </Part>
      ) : null}
      {balance.debt > 0 ? (
        <Part label={t("partDebt")} amount={money(-balance.debt)} isBad>
          {t("partDebtText")}
        </Part>
      ) : null}
    </dl>
  );
}

function Part({
  label,
  amount,
  isBad = false,
  children,
}: {
  label: string;
  amount: string;
  isBad?: boolean;
  children: ReactNode;
}) {
  return (
    <div className="flex items-baseline gap-4 border-b border-border-soft py-2">
      <dt className="min-w-0 grow">
        <span className={cx("font-medium", isBad && "text-brick-text")}>{label}</span>
        <span className="block text-xs text-muted-foreground">{children}</span>
      </dt>
      <dd className={cx("font-medium whitespace-nowrap", isBad && "text-brick-text")}>{amount}</dd>
    </div>
  );
}

/** What moved the balance; an answer by its model, with its receipt for as long as there is one. */
function EntryName({ entry }: { entry: Entry }) {
  const t = useTexts(usageTexts);
  const e = useTexts(entryTexts);
  const name = [entryWord(entry.kind, e), entry.model_label].filter(Boolean).join(", ");
  if (!entry.run_id) return name;
  return entry.has_receipt ? (
    <Link to="/receipts" search={{ id: entry.run_id }} className="rounded-xs hover:underline">
      {name}
    </Link>
  ) : (
    <>
      {name}
      <span className="text-muted-foreground">, {t("answerDeleted")}</span>
    </>
  );
}

function Entries() {
  const t = useTexts(usageTexts);
  const e = useTexts(entryTexts);
  const locale = useLocale();
  const entries = useInfiniteQuery(entriesQuery);
  const items = entries.data?.pages.flatMap((page) => page.items) ?? [];
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
                    <EntryName entry={entry} />
                    {entry.is_given_back ? <span className="text-muted-foreground">, {e("isGivenBack")}</span> : null}
                    {entry.note ? <span className="text-muted-foreground">, {entry.note}</span> : null}
                  </Td>
                  <Td right className={cx("font-medium", entry.nano > 0 && "text-primary-text")}>
                    {entry.nano > 0 ? "+" : ""}
                    {formatMoney(entry.nano, entry.currency, { receipt: true }, locale)}
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
