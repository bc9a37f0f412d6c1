import { useQuery } from "@tanstack/react-query";
import { House } from "lucide-react";
import { useState } from "react";
import { Screen } from "@/shared/frame/sheet";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { type ModelInfo, modelsQuery } from "@/shared/models/api";
import { formatRate, tileCode } from "@/shared/models/price";
import { Icon } from "@/shared/ui/icons";
import { SearchField } from "@/shared/ui/input";
import { ModelTile } from "@/shared/ui/marks";
import { EmptyState, ErrorState, LoadingBars } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { usageTexts } from "./texts";

export default function PricesScreen() {
  const t = useTexts(usageTexts);
  const models = useQuery(modelsQuery);
  const [query, setQuery] = useState("");
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found =
    models.data?.items.filter(({ label, name, provider }) =>
      words.every((word) => `${label} ${name} ${provider.label}`.toLowerCase().includes(word)),
    ) ?? [];
  return (
    <Screen
      title={t("prices")}
      subtitle={t("pricesLead")}
      actions={<SearchField label={t("searchModels")} value={query} onChange={setQuery} className="w-56" />}
    >
      {models.isPending ? <LoadingBars rows={8} /> : null}
      {models.isError && !models.data ? (
        <ErrorState error={models.error} onRetry={() => void models.refetch()} />
      ) : null}
      {models.data && found.length === 0 ? (
        <EmptyState title={query ? t("noneFound", { query }) : t("noModels")} />
      ) : null}
      {found.length > 0 ? (
        <Table caption={t("prices")}>
          <TableHead>
            <Th>{t("model")}</Th>
            <Th right>{t("input")}</Th>
            <Th right className="@max-2xl:hidden">
              {t("cached")}
            </Th>
            <Th right className="@max-4xl:hidden">
              {t("cacheWrite")}
            </Th>
            <Th right>{t("output")}</Th>
            <Th right className="@max-2xl:hidden">
              {t("window")}
            </Th>
          </TableHead>
          <tbody>
            {found.map((model) => (
              <PriceRow key={model.id} model={model} />
            ))}
          </tbody>
        </Table>
      ) : null}
    </Screen>
  );
}

function PriceRow({ model }: { model: ModelInfo }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const { price } = model;
  const rate = (amount: string | null | undefined) =>
    price && amount ? formatRate(amount, price.currency, locale) : "–";
  return (
    <Tr>
      <Td className="max-w-0 min-w-44">
        <span className="flex items-center gap-2.5">
          <ModelTile code={tileCode(model.label)} size={20} />
          <span className="truncate font-medium">{model.label}</span>
          {model.provider.is_local ? (
            <Icon icon={House} size={13} aria-label={t("local")} className="text-muted-foreground" />
          ) : null}
          <span className="truncate text-faint @max-xl:hidden">{model.provider.label}</span>
        </span>
      </Td>
      {price === null ? (
        <Td right className="text-brass-text" colSpan={1}>
          {t("noPrice")}
        </Td>
      ) : (
        <Td right>{price.is_free ? <span className="text-muted-foreground">{t("free")}</span> : rate(price.input)}</Td>
      )}
      <Td right className="text-muted-foreground @max-2xl:hidden">
        {price && !price.is_free ? rate(price.cached) : ""}
      </Td>
      <Td right className="text-muted-foreground @max-4xl:hidden">
        {price && !price.is_free ? rate(price.cache_write) : ""}
      </Td>
      <Td right>{price && !price.is_free ? rate(price.output) : ""}</Td>
      <Td right className="text-muted-foreground @max-2xl:hidden">
        {model.context_total === null ? "–" : formatNumber(model.context_total, {}, locale)}
      </Td>
    </Tr>
  );
}
