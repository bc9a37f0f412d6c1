import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { useTyped } from "@/shared/frame/use-typed";
import { formatDate, formatList, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { modelsQuery } from "@/shared/models/api";
import { readsText } from "@/shared/models/facts";
import { tileCode } from "@/shared/models/price";
import { modelsTexts } from "@/shared/models/texts";
import { Button } from "@/shared/ui/button";
import { SearchField } from "@/shared/ui/input";
import { ModelTile } from "@/shared/ui/marks";
import { LoadMore } from "@/shared/ui/navigation";
import { FactRow, Facts } from "@/shared/ui/section";
import { Select } from "@/shared/ui/select";
import { EmptyState, ErrorState, LoadingBars, Refreshing } from "@/shared/ui/states";
import { Segmented } from "@/shared/ui/tabs";
import { Panel, PanelHead, roleText } from "../parts";
import { providersQuery } from "../providers/api";
import { useChosen, useFilters } from "../search";
import { adminTexts } from "../texts";
import { type AdminModel, adminModelsQuery } from "./api";
import { EditModelDialog } from "./EditModelDialog";
import { ModelTable } from "./ModelTable";
import { adminModelsTexts } from "./texts";

export function ModelsSection() {
  const t = useTexts(adminModelsTexts);
  const [filters, change] = useFilters();
  const enabled = filters.state === "on" ? true : filters.state === "off" ? false : undefined;
  const filter = { provider: filters.provider, search: filters.q, enabled };
  const models = useInfiniteQuery({ ...adminModelsQuery(filter), placeholderData: (before) => before });
  const { data: usable } = useQuery(modelsQuery);
  const { data: providers } = useQuery(providersQuery);
  const [typed, type] = useTyped(filters.q ?? "", (q) => change({ q }));
  const [chosen, choose] = useChosen();
  const [editing, setEditing] = useState<string | null>(null);
  const { fetchNextPage, isFetching } = models;
  const readOn = useCallback(() => {
    if (!isFetching) void fetchNextPage();
  }, [fetchNextPage, isFetching]);
  const items = models.data?.pages.flatMap((page) => page.items) ?? [];
  const prices = new Map(usable?.items.map(({ id, price }) => [id, price]));
  const current = items.find(({ id }) => id === chosen);
  const edited = items.find(({ id }) => id === editing);
  const isFiltered = Boolean(filters.provider || filters.q || filters.state);
  return (
    <Screen
      title={t("title")}
      subtitle={t("lead")}
      below={
        <div className="flex flex-wrap items-center gap-2 border-b border-border pb-3">
          <SearchField label={t("search")} value={typed} onChange={type} className="w-56 max-sm:w-full" />
          <Select
            label={t("provider")}
            size="sm"
            className="!w-48"
            value={filters.provider ?? ""}
            onChange={(provider) => change({ provider: provider || undefined })}
            options={[
              { value: "", label: t("allProviders") },
              ...(providers?.items.map(({ id, label }) => ({ value: id, label })) ?? []),
            ]}
          />
          <Segmented
            label={t("filter")}
            value={filters.state === "on" || filters.state === "off" ? filters.state : ""}
            onChange={(state) => change({ state: state || undefined })}
            items={[
              { value: "", label: t("all") },
              { value: "on", label: t("inUse") },
              { value: "off", label: t("off") },
            ]}
          />
        </div>
      }
    >
      {models.isPending ? <LoadingBars rows={8} /> : null}
      {models.isError && !models.data ? (
        <ErrorState error={models.error} onRetry={() => void models.refetch()} />
      ) : null}
      {models.data && items.length === 0 ? (
        isFiltered ? (
          <EmptyState title={t("noneFiltered")} />
        ) : (
          <EmptyState
            title={t("none")}
            action={<Button render={<Link to="/admin/providers" />}>{t("toProviders")}</Button>}
          >
            {t("noneText")}
          </EmptyState>
        )
      ) : null}
      {items.length > 0 ? (
        <Refreshing active={models.isPlaceholderData}>
          <ModelTable
            models={items}
            prices={prices}
            chosen={chosen}
            onChoose={choose}
            hasMore={models.hasNextPage}
            onEnd={readOn}
          />
          <LoadMore
            loaded={items.length}
            hasMore={models.hasNextPage}
            busy={models.isFetchingNextPage}
            onLoad={readOn}
          />
        </Refreshing>
      ) : null}
      {current ? <ModelPanel model={current} onEdit={() => setEditing(current.id)} /> : null}
      {edited ? <EditModelDialog model={edited} onClose={() => setEditing(null)} /> : null}
    </Screen>
  );
}

function ModelPanel({ model, onEdit }: { model: AdminModel; onEdit: () => void }) {
  const t = useTexts(adminModelsTexts);
  const m = useTexts(modelsTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const tokens = (value: number | null) =>
    value === null ? t("unknown") : t("windowValue", { count: formatNumber(value, {}, locale) });
  const list = (kinds: readonly string[] | null) =>
    kinds?.length
      ? formatList(
          kinds.map((kind) => readsText(kind, m)),
          locale,
        )
      : t("unknown");
  return (
    <Panel of={model.id} title={model.label}>
      <PanelHead
        icon={<ModelTile code={tileCode(model.label)} size={28} />}
        title={model.label}
        subtitle={model.provider.label}
      />
      {model.description ? <p className="mb-4 text-muted-foreground">{model.description}</p> : null}
      <div className="pb-4">
        <Button onClick={onEdit}>{t("edit")}</Button>
      </div>
      <Facts>
        <FactRow label={t("atProvider")}>
          <span className="font-mono text-xs break-all">{model.name}</span>
        </FactRow>
        <FactRow label={t("window")}>{tokens(model.context_total)}</FactRow>
        <FactRow label={t("longest")}>{tokens(model.max_output)}</FactRow>
        {model.deprecated_on ? (
          <FactRow label={t("offered")}>
            {t("until", { date: formatDate(`${model.deprecated_on}T12:00:00Z`, locale) })}
          </FactRow>
        ) : null}
        <FactRow label={t("takes")}>{list(model.takes)}</FactRow>
        <FactRow label={t("gives")}>{list(model.gives)}</FactRow>
        <FactRow label={t("can")}>
          {model.features?.length ? (
            <span className="font-mono text-xs">{model.features.join(", ")}</span>
          ) : (
            t("unknown")
          )}
        </FactRow>
        <FactRow label={t("roles")}>
          {model.enabled_roles.length === 0
            ? t("nobody")
            : formatList(
                model.enabled_roles.map((role) => roleText(a, role)),
                locale,
              )}
        </FactRow>
      </Facts>
    </Panel>
  );
}
