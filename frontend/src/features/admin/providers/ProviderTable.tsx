import { useQuery } from "@tanstack/react-query";
import { Ellipsis } from "lucide-react";
import { today } from "@/shared/i18n/days";
import { formatMoney, formatNumber, formatPercent } from "@/shared/i18n/format";
import { type Locale, useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { formatDollars, tileCode } from "@/shared/models/price";
import { Button, IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { ModelTile } from "@/shared/ui/marks";
import { Menu } from "@/shared/ui/menu";
import { ProblemNotice, Skeleton } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { useMinute } from "@/shared/ui/values";
import { moveBetweenRows, rowButtonClass, stickyClass, stickyRowClass } from "../parts";
import { adminTexts } from "../texts";
import type { HouseSum } from "../usage/api";
import { houseUsageTexts } from "../usage/texts";
import { type Provider, todayQuery, useChangeProvider } from "./api";
import { isKeyRefused, ProviderState, UptimeTicks } from "./marks";
import { providersTexts } from "./texts";
import type { Ask, Deed } from "./use-deeds";

/** With a little less between the columns than elsewhere: there are many. */
const tableClass = "whitespace-nowrap [&_td+td]:!pl-3 [&_th+th]:!pl-3";

/** How they fare, and what they did today: for whom, or for what, stands nowhere in it. */
export function ProviderTable({
  providers,
  chosen = null,
  onChoose,
  onAsk,
}: {
  providers: readonly Provider[];
  chosen?: string | null;
  onChoose: (id: string) => void;
  onAsk: Ask;
}) {
  const t = useTexts(providersTexts);
  const { timeZone } = useLocale();
  // At midnight another day begins, also where nobody touches anything.
  useMinute();
  const used = useQuery(todayQuery(today(timeZone)));
  const byProvider = used.data && new Map(used.data.items.map((item) => [item.key, item]));
  return (
    <>
      <Table caption={t("title")} onKeyDown={moveBetweenRows} className={tableClass}>
        <TableHead>
          <Th className={stickyClass}>{t("provider")}</Th>
          <Th className="@max-md:hidden">{t("state")}</Th>
          <Th className="@max-3xl:hidden">{t("day")}</Th>
          <Th right className="@max-xl:hidden">
            {t("first")}
          </Th>
          <Th right className="@max-4xl:hidden" title={t("slowestTitle")}>
            {t("slowest")}
          </Th>
          <Th right className="@max-4xl:hidden" title={t("errorsTitle")}>
            {t("errors")}
          </Th>
          <Th right className="@max-4xl:hidden" title={t("requestsTitle")}>
            {t("requests")}
          </Th>
          <Th right title={t("todayTitle")}>
            {t("today")}
          </Th>
          <Th className="@max-2xl:hidden">{t("key")}</Th>
          <Th>
            <span className="sr-only">{t("edit")}</span>
          </Th>
        </TableHead>
        <tbody>
          {providers.map((provider) => (
            <ProviderRow
              key={provider.id}
              provider={provider}
              used={byProvider && (byProvider.get(provider.id) ?? null)}
              isChosen={provider.id === chosen}
              onChoose={() => onChoose(provider.id)}
              onAsk={(deed) => onAsk(deed, provider)}
            />
          ))}
        </tbody>
      </Table>
      {used.isError && !used.data ? <ProblemNotice error={used.error} className="mt-3" /> : null}
    </>
  );
}

export function useSeconds(): (ms: number | null | undefined) => string {
  const locale = useLocale();
  return (ms) => {
    if (ms === null || ms === undefined) return "–";
    // What is on this machine answers in milliseconds.
    if (ms < 100) return `${formatNumber(ms, {}, locale)}\u00a0ms`;
    return `${formatNumber(ms / 1000, { maximumFractionDigits: 1, minimumFractionDigits: 1 }, locale)}\u00a0s`;
  };
}

function ProviderRow({
  provider,
  used,
  isChosen,
  onChoose,
  onAsk,
}: {
  provider: Provider;
  used: HouseSum | null | undefined;
  isChosen: boolean;
  onChoose: () => void;
  onAsk: (deed: Deed) => void;
}) {
  const t = useTexts(providersTexts);
  const locale = useLocale();
  const now = useMinute();
  const seconds = useSeconds();
  const { health } = provider;
  const asked = health?.requests ?? 0;
  const failedShare = health && asked > 0 ? health.failed / asked : 0;
  return (
    <Tr
      selected={isChosen}
      className="group !h-[2.875rem] cursor-default"
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest("button")) onChoose();
      }}
    >
      <Td className={cx(stickyRowClass(isChosen), "pr-2")}>
        <span className="flex items-center gap-2.5">
          <ModelTile code={tileCode(provider.label)} size={22} />
          <span className="flex min-w-0 flex-col items-start">
            <button
              type="button"
              data-row
              aria-current={isChosen ? "true" : undefined}
              onClick={onChoose}
              className={cx(rowButtonClass, "max-w-44 truncate")}
            >
              {provider.label}
            </button>
            <span className="text-xs @md:hidden">
              <ProviderState provider={provider} />
            </span>
          </span>
          <span className="num text-faint @max-lg:hidden">{t("models", { count: provider.models_enabled })}</span>
        </span>
      </Td>
      <Td className="@max-md:hidden">
        <ProviderState provider={provider} />
      </Td>
      <Td className="@max-3xl:hidden">
        <UptimeTicks ticks={health?.ticks ?? []} now={now} />
      </Td>
      <Td right className="@max-xl:hidden">
        {seconds(health?.first_ms_p50)}
      </Td>
      <Td
        right
        className={cx(
          "@max-4xl:hidden",
          provider.state === "slow" ? "font-medium text-brass-text" : "text-muted-foreground",
        )}
      >
        {seconds(health?.first_ms_p95)}
      </Td>
      <Td
        right
        className={cx("@max-4xl:hidden", failedShare >= 0.5 ? "font-medium text-brick-text" : "text-muted-foreground")}
      >
        {asked > 0 ? formatPercent(failedShare, 1, locale) : "–"}
      </Td>
      <Td right className="text-muted-foreground @max-4xl:hidden">
        {used === undefined ? <Skeleton className="ml-auto h-3 w-8" /> : formatNumber(used?.requests ?? 0, {}, locale)}
      </Td>
      <Td right>
        <Today used={used} />
      </Td>
      <Td className="text-muted-foreground @max-2xl:hidden">
        <KeyWords provider={provider} />
      </Td>
      <Td right>
        {isKeyRefused(provider) ? (
          <Button size="sm" onClick={() => onAsk("key")}>
            {t("replaceKey")}
          </Button>
        ) : (
          <RowMenu provider={provider} onAsk={onAsk} onChoose={onChoose} />
        )}
      </Td>
    </Tr>
  );
}

/** What the provider asks the house for, in its own dollars; below it what people were charged, in their currency. */
function Today({ used }: { used: HouseSum | null | undefined }) {
  const t = useTexts(houseUsageTexts);
  const p = useTexts(providersTexts);
  const locale = useLocale();
  if (used === undefined) return <Skeleton className="ml-auto h-3 w-12" />;
  if (used === null || used.requests === 0) return "–";
  const { runs, unknown_runs, own_key_runs, provider_cost, revenues } = used;
  const isUnknown = runs > 0 && unknown_runs === runs;
  const isFree = runs > 0 && provider_cost.nano === 0 && unknown_runs === 0 && own_key_runs === 0;
  const charged = revenues.map(({ nano, currency }) => formatMoney(nano, currency, {}, locale)).join(" + ");
  const notes = [
    !isUnknown && unknown_runs > 0 ? p("todayWithoutPrice", { count: unknown_runs }) : null,
    own_key_runs > 0 ? p("todayOwnKeys", { count: own_key_runs }) : null,
    charged ? t("charged", { amount: charged }) : null,
  ];
  return (
    <>
      <span className={isUnknown ? "text-brass-text" : isFree ? "text-muted-foreground" : "font-medium"}>
        {isUnknown ? t("unknown") : isFree ? t("free") : dollars(provider_cost.nano, locale)}
      </span>
      {/* Where there is no room for a column of them. */}
      <span className="block text-2xs text-muted-foreground @4xl:hidden">
        {p("todayRequests", { count: used.requests })}
      </span>
      {notes.map((note) =>
        note ? (
          <span key={note} className="block text-2xs text-muted-foreground">
            {note}
          </span>
        ) : null,
      )}
    </>
  );
}

/** A day often costs less than a cent, and that is not nothing. */
const dollars = (nano: number, locale: Locale) => formatDollars(nano, locale, nano >= 1e9 ? 2 : nano >= 1e6 ? 4 : 6);

function KeyWords({ provider }: { provider: Provider }) {
  const t = useTexts(providersTexts);
  const [first, ...others] = provider.keys;
  if (!first) return provider.needs_key ? t("keyNone") : t("keyNotNeeded");
  return (
    <>
      {t("endsIn", { ending: first.ending })}
      {others.length > 0 ? `, ${t("keysMore", { count: others.length })}` : ""}
    </>
  );
}

export function useSwitch(): (provider: Provider) => void {
  const t = useTexts(providersTexts);
  const change = useChangeProvider();
  return ({ id, label, is_enabled }) =>
    change.mutate(
      { id, is_enabled: !is_enabled },
      {
        onSuccess: () =>
          toast({
            text: t(is_enabled ? "isOff" : "isOn", { name: label }),
            undo: () => change.mutateAsync({ id, is_enabled }),
          }),
      },
    );
}

function RowMenu({
  provider,
  onAsk,
  onChoose,
}: {
  provider: Provider;
  onAsk: (deed: Deed) => void;
  onChoose: () => void;
}) {
  const t = useTexts(providersTexts);
  const a = useTexts(adminTexts);
  const flip = useSwitch();
  const trigger = <IconButton icon={Ellipsis} label={a("moreFor", { name: provider.label })} />;
  const onOff = { label: t(provider.is_enabled ? "switchOff" : "switchOn"), onSelect: () => flip(provider) };
  if (provider.is_built_in) return <Menu trigger={trigger} entries={[onOff]} />;
  return (
    <Menu
      trigger={trigger}
      entries={[
        { label: t("test"), onSelect: onChoose },
        { label: t("addKey"), onSelect: () => onAsk("key") },
        { label: t("edit"), onSelect: () => onAsk("edit") },
        onOff,
        { kind: "separator" },
        { label: t("delete"), danger: true, onSelect: () => onAsk("delete") },
      ]}
    />
  );
}
