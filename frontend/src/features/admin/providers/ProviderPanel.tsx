import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX, Trash2 } from "lucide-react";
import { useState } from "react";
import { Problem } from "@/shared/api/problem";
import { problemText, useProblemTexts } from "@/shared/api/texts";
import { Link, textLinkClass } from "@/shared/frame/link";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { tileCode } from "@/shared/models/price";
import { Button, IconButton } from "@/shared/ui/button";
import { FormProblem } from "@/shared/ui/form-problem";
import { ModelTile } from "@/shared/ui/marks";
import { FactRow, Facts } from "@/shared/ui/section";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useMinute, When } from "@/shared/ui/values";
import { Panel, PanelGroup, PanelHead } from "../parts";
import { healthQuery, type Provider, type ProviderKey, useRefresh, useTest } from "./api";
import { RemoveKeyDialog } from "./Dialogs";
import { ProviderState, UptimeTicks } from "./marks";
import { useSeconds, useSwitch } from "./ProviderTable";
import { providersTexts } from "./texts";
import type { Deed } from "./use-deeds";

export function ProviderPanel({ provider, onAsk }: { provider: Provider; onAsk: (deed: Deed) => void }) {
  const t = useTexts(providersTexts);
  const now = useMinute();
  const seconds = useSeconds();
  const flip = useSwitch();
  return (
    <Panel of={provider.id} title={provider.label}>
      <PanelHead
        icon={<ModelTile code={tileCode(provider.label)} size={28} />}
        title={provider.label}
        subtitle={<ProviderState provider={provider} />}
      />
      {provider.is_built_in ? (
        <p className="mb-4 text-muted-foreground">{t("builtIn")}</p>
      ) : (
        <>
          <Deeds provider={provider} onAsk={onAsk} />
          <div className="mb-4">
            <UptimeTicks ticks={provider.health?.ticks ?? []} now={now} />
          </div>
        </>
      )}
      <Facts>
        {provider.is_built_in ? null : (
          <>
            <FactRow label={t("address")}>
              <span className="font-mono text-xs break-all">{provider.base_url}</span>
            </FactRow>
            <FactRow label={t("protocol")}>
              <span className="font-mono text-xs">{provider.protocol}</span>
            </FactRow>
            <FactRow label={t("latency")}>
              {provider.checked_at ? (
                <span className="num">
                  {provider.latency_ms === null ? "" : `${t("latencyMs", { ms: provider.latency_ms })}, `}
                  <When at={provider.checked_at} />
                </span>
              ) : (
                t("never")
              )}
            </FactRow>
            <FactRow label={t("first")}>
              {seconds(provider.health?.first_ms_p50)}, {t("slowest")}: {seconds(provider.health?.first_ms_p95)}
            </FactRow>
            <FactRow label={t("concurrency")}>{t("concurrencyValue", { count: provider.concurrency })}</FactRow>
          </>
        )}
        <FactRow label={t("listed")}>
          <Link to="/admin/models" search={{ provider: provider.id }} className={textLinkClass}>
            {t("modelsOf", { on: provider.models_enabled, count: provider.models })}
          </Link>
          {provider.refreshed_at ? (
            <span className="text-muted-foreground">
              , <When at={provider.refreshed_at} />
            </span>
          ) : null}
        </FactRow>
      </Facts>
      {provider.is_built_in ? (
        <div className="mt-5">
          <Button onClick={() => flip(provider)}>{t(provider.is_enabled ? "switchOff" : "switchOn")}</Button>
        </div>
      ) : (
        <>
          <Keys provider={provider} onAdd={() => onAsk("key")} />
          <Troubles id={provider.id} />
          <div className="mt-6 flex flex-wrap gap-2">
            <Button onClick={() => flip(provider)}>{t(provider.is_enabled ? "switchOff" : "switchOn")}</Button>
            <Button variant="danger" onClick={() => onAsk("delete")}>
              {t("delete")}
            </Button>
          </div>
        </>
      )}
    </Panel>
  );
}

/** The test call and the list of models, with what came of them below. */
function Deeds({ provider, onAsk }: { provider: Provider; onAsk: (deed: Deed) => void }) {
  const t = useTexts(providersTexts);
  const locale = useLocale();
  const say = useProblemTexts();
  const test = useTest();
  const refresh = useRefresh();
  const number = (value: number) => formatNumber(value, {}, locale);
  const result = test.data;
  const failure = result && !result.ok ? problemText(new Problem({ status: 422, code: result.code ?? "" }), say) : null;
  return (
    <div className="pb-4">
      <div className="flex flex-wrap gap-2">
        <Button busy={test.isPending} onClick={() => test.mutate(provider.id)}>
          {t("test")}
        </Button>
        <Button
          busy={refresh.isPending}
          onClick={() =>
            refresh.mutate(provider.id, { onSuccess: (done) => toast({ text: t("refreshed", { ...done }) }) })
          }
        >
          {t("refresh")}
        </Button>
        <Button variant="ghost" onClick={() => onAsk("edit")}>
          {t("edit")}
        </Button>
      </div>
      <FormProblem error={test.error ?? refresh.error} className="mt-3" />
      <div role="status">
        {result?.ok ? (
          <Notice tone="primary" icon={CircleCheck} className="mt-3">
            {result.models == null
              ? t("testOk", { ms: number(result.ms ?? 0) })
              : t("testOkModels", { ms: number(result.ms ?? 0), count: result.models ?? 0 })}
          </Notice>
        ) : null}
        {failure ? (
          <Notice tone="brick" icon={CircleX} title={failure.title} className="mt-3">
            {result?.text ? <span className="text-xs break-words">{result.text}</span> : failure.advice}
          </Notice>
        ) : !result && provider.error ? (
          <Notice tone="brick" icon={CircleX} className="mt-3">
            <span className="break-words">{provider.error}</span>
          </Notice>
        ) : null}
      </div>
    </div>
  );
}

function Keys({ provider, onAdd }: { provider: Provider; onAdd: () => void }) {
  const t = useTexts(providersTexts);
  const [removing, setRemoving] = useState<ProviderKey | null>(null);
  return (
    <PanelGroup
      title={t("keys")}
      actions={
        <Button size="sm" onClick={onAdd}>
          {t("addKey")}
        </Button>
      }
    >
      {provider.keys.length === 0 ? (
        <p className="text-muted-foreground">{provider.needs_key ? t("keysNone") : t("keyNotNeeded")}</p>
      ) : (
        <ul aria-label={t("keys")} className="mt-1 border-t border-border">
          {provider.keys.map((key) => (
            <li key={key.id} className="flex min-h-10 items-center gap-3 border-b border-border-soft">
              <span className="font-mono text-xs">…{key.ending}</span>
              <span className={key.state === "refused" ? "text-brick-text" : "text-muted-foreground"}>
                {t(`keyIs.${key.state}`)}
              </span>
              <span className="num grow truncate text-right text-xs text-faint">
                {key.last_used_at ? (
                  <>
                    {t("used")} <When at={key.last_used_at} />
                  </>
                ) : (
                  t("notUsed")
                )}
              </span>
              <IconButton
                icon={Trash2}
                size="sm"
                label={t("removeKey", { ending: key.ending })}
                onClick={() => setRemoving(key)}
              />
            </li>
          ))}
        </ul>
      )}
      {removing ? (
        <RemoveKeyDialog provider={provider} providerKey={removing} onClose={() => setRemoving(null)} />
      ) : null}
    </PanelGroup>
  );
}

function Troubles({ id }: { id: string }) {
  const t = useTexts(providersTexts);
  const say = useProblemTexts();
  const health = useQuery(healthQuery(id));
  const name = (code: string) => problemText(new Problem({ status: 503, code }), say).title;
  return (
    <PanelGroup title={t("errorsHead")}>
      {health.isPending ? <LoadingBars rows={2} /> : null}
      {health.isError && !health.data ? (
        <ErrorState error={health.error} onRetry={() => void health.refetch()} />
      ) : null}
      {health.data?.errors.length === 0 ? <p className="text-muted-foreground">{t("errorsNone")}</p> : null}
      {health.data?.errors.length ? (
        <ol className="num mt-1 border-t border-border">
          {health.data.errors.map((trouble) => (
            <li key={`${trouble.at} ${trouble.code}`} className="border-b border-border-soft py-2">
              <div className="flex gap-3">
                <span className="min-w-0 grow">{name(trouble.code)}</span>
                <span className="flex-none text-faint">
                  <When at={trouble.at} />
                </span>
              </div>
              <div className="text-xs break-words text-muted-foreground">
                {trouble.count > 1 ? `${t("times", { count: trouble.count })}. ` : ""}
                {trouble.text}
              </div>
            </li>
          ))}
        </ol>
      ) : null}
    </PanelGroup>
  );
}
