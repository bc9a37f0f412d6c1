import { useQuery } from "@tanstack/react-query";
import { Ellipsis, Plus, RotateCw } from "lucide-react";
import { useState } from "react";
import { Screen } from "@/shared/frame/sheet";
import { formatNumber, formatPercent } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useAction } from "@/shared/keys/use-keys";
import { tileCode } from "@/shared/models/price";
import { Button, IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { ModelTile } from "@/shared/ui/marks";
import { Menu } from "@/shared/ui/menu";
import { EmptyState, ErrorState, LoadingBars } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { useMinute, When } from "@/shared/ui/values";
import { moveBetweenRows, rowButtonClass, stickyClass, stickyRowClass } from "../parts";
import { useChosen } from "../search";
import { adminTexts } from "../texts";
import { type Provider, providersQuery, useChangeProvider, useTest } from "./api";
import { AddDialog, DeleteDialog, EditDialog, KeyDialog } from "./Dialogs";
import { isKeyRefused, ProviderState, UptimeTicks } from "./marks";
import { ProviderPanel } from "./ProviderPanel";
import { providersTexts } from "./texts";

export type Deed = "edit" | "key" | "delete";

export function ProvidersSection() {
  const t = useTexts(providersTexts);
  const providers = useQuery(providersQuery);
  const [chosen, choose] = useChosen();
  const [isAdding, setAdding] = useState(false);
  const [asked, setAsked] = useState<{ deed: Deed; id: string } | null>(null);
  const test = useTest();
  useAction("admin.provider", () => setAdding(true));
  const items = providers.data?.items ?? [];
  const current = items.find(({ id }) => id === chosen);
  const about = asked && items.find(({ id }) => id === asked.id);
  const checkedAt = items.map(({ checked_at }) => checked_at ?? "").reduce((a, b) => (a > b ? a : b), "");
  const close = () => setAsked(null);
  return (
    <Screen
      title={t("title")}
      subtitle={t("lead")}
      actions={
        <>
          {checkedAt ? (
            <span className="text-muted-foreground">
              {t("checked")} <When at={checkedAt} />
            </span>
          ) : null}
          <IconButton
            icon={RotateCw}
            label={t("checkNow")}
            disabled={test.isPending || items.length === 0}
            onClick={() => {
              for (const { id, is_enabled, is_built_in } of items) if (is_enabled && !is_built_in) test.mutate(id);
            }}
          />
          <Button variant="primary" icon={Plus} onClick={() => setAdding(true)}>
            {t("add")}
          </Button>
        </>
      }
    >
      {providers.isPending ? <LoadingBars rows={5} /> : null}
      {providers.isError && !providers.data ? (
        <ErrorState error={providers.error} onRetry={() => void providers.refetch()} />
      ) : null}
      {providers.data && items.length === 0 ? <EmptyState title={t("none")}>{t("noneText")}</EmptyState> : null}
      {items.length > 0 ? (
        <ProviderTable
          providers={items}
          chosen={chosen}
          onChoose={choose}
          onAsk={(deed, { id }) => setAsked({ deed, id })}
        />
      ) : null}
      {current ? (
        <ProviderPanel key={current.id} provider={current} onAsk={(deed) => setAsked({ deed, id: current.id })} />
      ) : null}
      {isAdding ? (
        <AddDialog
          onClose={(made) => {
            setAdding(false);
            if (made) choose(made);
          }}
        />
      ) : null}
      {about && asked.deed === "edit" ? <EditDialog provider={about} onClose={close} /> : null}
      {about && asked.deed === "key" ? <KeyDialog provider={about} onClose={close} /> : null}
      {about && asked.deed === "delete" ? <DeleteDialog provider={about} onClose={close} /> : null}
    </Screen>
  );
}

function ProviderTable({
  providers,
  chosen,
  onChoose,
  onAsk,
}: {
  providers: readonly Provider[];
  chosen: string | null;
  onChoose: (id: string) => void;
  onAsk: (deed: Deed, provider: Provider) => void;
}) {
  const t = useTexts(providersTexts);
  return (
    <Table caption={t("title")} onKeyDown={moveBetweenRows} className="whitespace-nowrap">
      <TableHead>
        <Th className={stickyClass}>{t("provider")}</Th>
        <Th>{t("state")}</Th>
        <Th className="@max-3xl:hidden">{t("day")}</Th>
        <Th right className="@max-xl:hidden">
          {t("first")}
        </Th>
        <Th right className="@max-4xl:hidden" title={t("slowestTitle")}>
          {t("slowest")}
        </Th>
        <Th right className="@max-4xl:hidden">
          {t("errors")}
        </Th>
        <Th right className="@max-4xl:hidden">
          {t("requests")}
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
            isChosen={provider.id === chosen}
            onChoose={() => onChoose(provider.id)}
            onAsk={(deed) => onAsk(deed, provider)}
          />
        ))}
      </tbody>
    </Table>
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
  isChosen,
  onChoose,
  onAsk,
}: {
  provider: Provider;
  isChosen: boolean;
  onChoose: () => void;
  onAsk: (deed: Deed) => void;
}) {
  const t = useTexts(providersTexts);
  const locale = useLocale();
  const now = useMinute();
  const seconds = useSeconds();
  const { health } = provider;
  const asked = health ? health.requests : 0;
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
          <button
            type="button"
            data-row
            aria-current={isChosen ? "true" : undefined}
            onClick={onChoose}
            className={cx(rowButtonClass, "max-w-44 truncate")}
          >
            {provider.label}
          </button>
          <span className="num text-faint @max-lg:hidden">{t("models", { count: provider.models_enabled })}</span>
        </span>
      </Td>
      <Td>
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
        {formatNumber(asked, {}, locale)}
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
