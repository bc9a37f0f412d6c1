import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Check, Download, Plus, X } from "lucide-react";
import { useState } from "react";
import { Screen } from "@/shared/frame/sheet";
import { useTyped } from "@/shared/frame/use-typed";
import { useLocale } from "@/shared/i18n/locale";
import { type Say, useTexts } from "@/shared/i18n/texts";
import { formatDollars, tileCode } from "@/shared/models/price";
import { Button } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { FormProblem } from "@/shared/ui/form-problem";
import { SearchField } from "@/shared/ui/input";
import { Badge, ModelTile } from "@/shared/ui/marks";
import { LoadMore } from "@/shared/ui/navigation";
import { EmptyState, ErrorState, LoadingBars, Refreshing } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { When } from "@/shared/ui/values";
import {
  Group,
  moveBetweenRows,
  Panel,
  PanelGroup,
  PanelHead,
  rowButtonClass,
  stickyClass,
  stickyRowClass,
} from "../parts";
import { useChosen, useFilters } from "../search";
import {
  type HeldPrice,
  historyQuery,
  type Price,
  pricesQuery,
  reviewQuery,
  useDecide,
  useRefreshPrices,
  useSetPrice,
} from "./api";
import { PriceDialog } from "./PriceDialog";
import { billingTexts } from "./texts";
import { useKinds } from "./use-kinds";

const ALWAYS = "2001";

type T = Say<(typeof billingTexts)["en"]>;

export function PricesSection() {
  const t = useTexts(billingTexts);
  const [filters, change] = useFilters();
  const prices = useInfiniteQuery({ ...pricesQuery(filters.q), placeholderData: (before) => before });
  const refresh = useRefreshPrices();
  const [typed, type] = useTyped(filters.q ?? "", (q) => change({ q }));
  const [chosen, choose] = useChosen();
  const [setting, setSetting] = useState<Price | "new" | null>(null);
  const items = prices.data?.pages.flatMap((page) => page.items) ?? [];
  const listed = items.find(({ id }) => id === chosen);
  // A receipt leads to the version that it was paid by, which may hold no more, or stand further down.
  const elsewhere = useQuery({
    ...historyQuery(chosen ?? ""),
    enabled: chosen !== null && !listed && prices.isSuccess,
  });
  const versions = elsewhere.data?.items ?? [];
  const current = listed ?? versions.find(({ state }) => state === "valid") ?? versions[0];
  return (
    <Screen
      title={t("prices")}
      subtitle={t("pricesLead")}
      actions={
        <>
          <Button
            icon={Download}
            busy={refresh.isPending}
            onClick={() => refresh.mutate(undefined, { onSuccess: () => toast({ text: t("refreshing") }) })}
          >
            {t("refresh")}
          </Button>
          <Button icon={Plus} onClick={() => setSetting("new")}>
            {t("setPrice")}
          </Button>
        </>
      }
    >
      <FormProblem error={refresh.error} className="mb-4" />
      <Review />
      <Group
        title={t("prices")}
        actions={<SearchField label={t("search")} value={typed} onChange={type} className="w-56" />}
      >
        {prices.isPending ? <LoadingBars rows={8} /> : null}
        {prices.isError && !prices.data ? (
          <ErrorState error={prices.error} onRetry={() => void prices.refetch()} />
        ) : null}
        {prices.data && items.length === 0 ? (
          <EmptyState title={filters.q ? t("noneFound", { query: filters.q }) : t("none")} />
        ) : null}
        {items.length > 0 ? (
          <Refreshing active={prices.isPlaceholderData}>
            <Table caption={t("prices")} onKeyDown={moveBetweenRows}>
              <TableHead>
                <Th className={stickyClass}>{t("model")}</Th>
                <Th className="@max-2xl:hidden">{t("provider")}</Th>
                <Th right>{t("input")}</Th>
                <Th right className="@max-3xl:hidden">
                  {t("cached")}
                </Th>
                <Th right>{t("output")}</Th>
                <Th className="@max-2xl:hidden">{t("source")}</Th>
                <Th right className="@max-4xl:hidden">
                  {t("since")}
                </Th>
              </TableHead>
              <tbody>
                {items.map((price) => (
                  <PriceRow
                    key={price.id}
                    price={price}
                    isChosen={price.id === chosen}
                    onChoose={() => choose(price.id)}
                  />
                ))}
              </tbody>
            </Table>
            <LoadMore
              loaded={items.length}
              hasMore={prices.hasNextPage}
              busy={prices.isFetchingNextPage}
              onLoad={() => void prices.fetchNextPage()}
            />
          </Refreshing>
        ) : null}
      </Group>
      {current && chosen ? <PricePanel price={current} version={chosen} onSet={() => setSetting(current)} /> : null}
      {setting ? <PriceDialog price={setting === "new" ? null : setting} onClose={() => setSetting(null)} /> : null}
    </Screen>
  );
}

function useDollars(): (nano: number | null | undefined) => string {
  const locale = useLocale();
  return (nano) => (nano === null || nano === undefined ? "–" : formatDollars(nano, locale));
}

/** What came with Kontor holds for all time before there is another version. */
function Since({ version }: { version: Price }) {
  const t = useTexts(billingTexts);
  return version.source === "bundled" && version.valid_from < ALWAYS ? (
    t("always")
  ) : (
    <When at={version.valid_from} look="table" />
  );
}

function PriceRow({ price, isChosen, onChoose }: { price: Price; isChosen: boolean; onChoose: () => void }) {
  const t = useTexts(billingTexts);
  const dollars = useDollars();
  const kinds = useKinds();
  return (
    <Tr
      selected={isChosen}
      className="group !h-9 cursor-default"
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest("button")) onChoose();
      }}
    >
      <Td className={cx(stickyRowClass(isChosen), "pr-2")}>
        <span className="flex items-center gap-2.5">
          <ModelTile code={tileCode(price.model)} size={18} />
          <button
            type="button"
            data-row
            aria-current={isChosen ? "true" : undefined}
            onClick={onChoose}
            className={cx(rowButtonClass, "max-w-64 truncate")}
          >
            {price.model}
          </button>
        </span>
      </Td>
      <Td className="text-muted-foreground @max-2xl:hidden">{kinds.get(price.provider) ?? price.provider}</Td>
      <Td right>
        {price.is_free ? <span className="text-muted-foreground">{t("free")}</span> : dollars(price.prices.input)}
      </Td>
      <Td right className="text-muted-foreground @max-3xl:hidden">
        {price.is_free ? "" : dollars(price.prices.cached)}
      </Td>
      <Td right>{price.is_free ? "" : dollars(price.prices.output)}</Td>
      <Td className="whitespace-nowrap text-muted-foreground @max-2xl:hidden">{t(`source.${price.source}`)}</Td>
      <Td right className="text-muted-foreground @max-4xl:hidden">
        <Since version={price} />
      </Td>
    </Tr>
  );
}

/** What the gate holds, each with its reasons. */
function Review() {
  const t = useTexts(billingTexts);
  const review = useQuery(reviewQuery);
  const decide = useDecide();
  const items = review.data?.items ?? [];
  if (review.data && items.length === 0) return null;
  return (
    <Group id="price-review" lead={t("reviewText")}>
      {review.isPending ? <LoadingBars rows={2} /> : null}
      {review.isError && !review.data ? (
        <ErrorState error={review.error} onRetry={() => void review.refetch()} />
      ) : null}
      <FormProblem error={decide.error} className="mb-3" />
      {items.length > 0 ? (
        <ul className="border-t border-border">
          {items.map((price) => (
            <Held
              key={price.id}
              price={price}
              isBusy={decide.isPending}
              onDecide={(decision) =>
                decide.mutate(
                  { id: price.id, decision },
                  {
                    onSuccess: () =>
                      toast({ text: t(decision === "accept" ? "accepted" : "rejected", { model: price.model }) }),
                  },
                )
              }
            />
          ))}
        </ul>
      ) : null}
    </Group>
  );
}

function Held({
  price,
  isBusy,
  onDecide,
}: {
  price: HeldPrice;
  isBusy: boolean;
  onDecide: (decision: "accept" | "reject") => void;
}) {
  const t = useTexts(billingTexts);
  const dollars = useDollars();
  const kinds = useKinds();
  const both = (of: Pick<Price, "prices">) => `${dollars(of.prices.input)} / ${dollars(of.prices.output)}`;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-border-soft py-3">
      <ModelTile code={tileCode(price.model)} size={22} />
      <div className="min-w-0 grow basis-64">
        <p className="font-medium">
          {price.model} <span className="font-normal text-faint">{kinds.get(price.provider) ?? price.provider}</span>
        </p>
        <p className="num">
          {both(price)}
          {price.present ? (
            <span className="text-muted-foreground">, {t("now", { price: both(price.present) })}</span>
          ) : null}
        </p>
        <ul className="num text-brass-text">
          {price.findings.map((finding) => (
            <li key={JSON.stringify(finding)}>{findingText(finding, t, dollars)}</li>
          ))}
        </ul>
      </div>
      <div className="flex gap-2">
        <Button
          icon={Check}
          disabled={isBusy}
          aria-label={t("acceptNamed", { model: price.model })}
          onClick={() => onDecide("accept")}
        >
          {t("accept")}
        </Button>
        <Button
          variant="danger"
          icon={X}
          disabled={isBusy}
          aria-label={t("rejectNamed", { model: price.model })}
          onClick={() => onDecide("reject")}
        >
          {t("reject")}
        </Button>
      </div>
    </li>
  );
}

/** In our words; a reason that this version does not know is shown as it came. */
function findingText(
  finding: Readonly<Record<string, unknown>>,
  t: T,
  dollars: (nano: number | null | undefined) => string,
): string {
  const reason = String(finding.reason);
  const name = String(finding.class);
  const key = `finding.${reason}`;
  if (!(key in billingTexts.en)) return `${reason} ${name}`;
  const amount = (value: unknown) => dollars(typeof value === "number" ? value : null);
  return t(key as "finding.jump", {
    class: `class.${name}` in billingTexts.en ? t(`class.${name}` as "class.input") : name,
    found: amount(finding.found),
    expected: amount(finding.expected),
  });
}

function PricePanel({ price, version: wanted, onSet }: { price: Price; version: string; onSet: () => void }) {
  const t = useTexts(billingTexts);
  const dollars = useDollars();
  const history = useQuery(historyQuery(price.id));
  const follow = useSetPrice();
  const kinds = useKinds();
  const { provider, model } = price;
  return (
    <Panel of={price.id} title={model}>
      <PanelHead
        icon={<ModelTile code={tileCode(model)} size={28} />}
        title={model}
        subtitle={kinds.get(provider) ?? provider}
      />
      <div className="flex flex-wrap gap-2 pb-4">
        <Button onClick={onSet}>{t("setPrice")}</Button>
        {price.source === "admin" ? (
          <Button
            variant="ghost"
            busy={follow.isPending}
            onClick={() =>
              follow.mutate(
                { provider, model, follows_feed: true },
                { onSuccess: () => toast({ text: t("followed", { model }) }) },
              )
            }
          >
            {t("followFeed")}
          </Button>
        ) : null}
      </div>
      <FormProblem error={follow.error} className="mb-4" />
      {price.is_free ? null : (
        <dl className="num border-t border-border-soft">
          {Object.entries(price.prices).map(([name, nano]) => (
            <div key={name} className="flex gap-3 border-b border-border-soft py-1.5">
              <dt className="grow text-muted-foreground">
                {`class.${name}` in billingTexts.en ? t(`class.${name}` as "class.input") : name}
              </dt>
              <dd>{dollars(nano)}</dd>
            </div>
          ))}
        </dl>
      )}
      {price.tiers.length > 0 ? <p className="mt-2 text-xs text-muted-foreground">{t("tiers")}</p> : null}
      {price.hours.length > 0 ? <p className="mt-2 text-xs text-muted-foreground">{t("hours")}</p> : null}
      {Object.keys(price.services).length > 0 ? (
        <p className="mt-2 text-xs text-muted-foreground">
          {t("services", { names: Object.keys(price.services).join(", ") })}
        </p>
      ) : null}
      <PanelGroup title={t("versions")}>
        {history.isPending ? <LoadingBars rows={3} /> : null}
        {history.isError && !history.data ? (
          <ErrorState error={history.error} onRetry={() => void history.refetch()} />
        ) : null}
        {history.data ? (
          <ol className="num mt-1 border-t border-border">
            {history.data.items.map((version) => (
              <li
                key={version.id}
                aria-current={version.id === wanted ? "true" : undefined}
                className={cx(
                  "flex flex-wrap gap-x-3 border-b border-border-soft py-2",
                  version.id === wanted && wanted !== price.id && "bg-primary-tint",
                )}
              >
                <span className="text-muted-foreground">
                  <Since version={version} />
                </span>
                <span className="grow">
                  {version.is_free ? t("free") : `${dollars(version.prices.input)} / ${dollars(version.prices.output)}`}
                </span>
                {version.state === "valid" ? (
                  <span className="text-faint">{t(`source.${version.source}`)}</span>
                ) : (
                  <Badge tone={version.state === "review" ? "brass" : "neutral"}>{t(`state.${version.state}`)}</Badge>
                )}
              </li>
            ))}
          </ol>
        ) : null}
      </PanelGroup>
    </Panel>
  );
}
