import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { Screen } from "@/shared/frame/sheet";
import { useTexts } from "@/shared/i18n/texts";
import { useAction } from "@/shared/keys/use-keys";
import { Button } from "@/shared/ui/button";
import { EmptyState, ErrorState, LoadingBars } from "@/shared/ui/states";
import { useChosen } from "../search";
import { providersQuery } from "./api";
import { CheckAll } from "./CheckAll";
import { AddDialog } from "./Dialogs";
import { ProviderPanel } from "./ProviderPanel";
import { ProviderTable } from "./ProviderTable";
import { providersTexts } from "./texts";
import { useProviderDeeds } from "./use-deeds";

export function ProvidersSection() {
  const t = useTexts(providersTexts);
  const providers = useQuery(providersQuery);
  const [chosen, choose] = useChosen();
  const [isAdding, setAdding] = useState(false);
  useAction("admin.provider", () => setAdding(true));
  const items = providers.data?.items ?? [];
  const { ask, dialogs } = useProviderDeeds(items);
  const current = items.find(({ id }) => id === chosen);
  return (
    <Screen
      title={t("title")}
      subtitle={t("lead")}
      actions={
        <>
          <CheckAll providers={items} />
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
      {items.length > 0 ? <ProviderTable providers={items} chosen={chosen} onChoose={choose} onAsk={ask} /> : null}
      {current ? <ProviderPanel key={current.id} provider={current} onAsk={(deed) => ask(deed, current)} /> : null}
      {isAdding ? (
        <AddDialog
          onClose={(made) => {
            setAdding(false);
            if (made) choose(made);
          }}
        />
      ) : null}
      {dialogs}
    </Screen>
  );
}
