import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX, Plus } from "lucide-react";
import { useState } from "react";
import { Problem } from "@/shared/api/problem";
import { problemText, useProblemTexts } from "@/shared/api/texts";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { isAddressFor, isWholeKey, KeyFields, useKind } from "@/shared/models/KeyFields";
import { tileCode } from "@/shared/models/price";
import { hostOf } from "@/shared/models/providers";
import { Button } from "@/shared/ui/button";
import { AlertDialog, Dialog } from "@/shared/ui/dialog";
import { FormProblem } from "@/shared/ui/form-problem";
import { ModelTile, StateMark } from "@/shared/ui/marks";
import { EmptyState, ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { When } from "@/shared/ui/values";
import {
  type ModelKey,
  type ModelKeys,
  modelKeysQuery,
  useAddModelKey,
  useRemoveModelKey,
  useTestModelKey,
} from "./model-keys";
import { modelKeysTexts } from "./model-keys-texts";
import { SettingGroup } from "./parts";

/** Keys of one's own to providers of models: whoever has one pays there and not here. */
export function ModelKeysSection() {
  const t = useTexts(modelKeysTexts);
  const keys = useQuery(modelKeysQuery);
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<ModelKey | null>(null);
  const { data } = keys;
  return (
    <SettingGroup
      id="model-keys"
      lead={t("lead")}
      actions={
        data?.own_keys_allowed ? (
          <Button variant="primary" icon={Plus} onClick={() => setAdding(true)}>
            {t("add")}
          </Button>
        ) : null
      }
    >
      {keys.isPending ? <LoadingBars rows={3} /> : null}
      {keys.isError && !data ? <ErrorState error={keys.error} onRetry={() => void keys.refetch()} /> : null}
      {data && !data.own_keys_allowed ? <Notice className="mb-4">{t("notAllowed")}</Notice> : null}
      {data?.own_keys_allowed && data.items.length === 0 ? (
        <EmptyState title={t("none")}>{t("noneText")}</EmptyState>
      ) : null}
      {data?.items.length ? (
        <ul aria-label={t("title")} className="border-t border-border">
          {data.items.map((key) => (
            <KeyRow key={key.id} modelKey={key} onRemove={() => setRemoving(key)} />
          ))}
        </ul>
      ) : null}
      {isAdding && data ? <AddDialog keys={data} onClose={() => setAdding(false)} /> : null}
      {removing ? <RemoveDialog modelKey={removing} onClose={() => setRemoving(null)} /> : null}
    </SettingGroup>
  );
}

const states = {
  ok: { tone: "primary", word: "isOk" },
  untested: { tone: "neutral", word: "isUntested" },
  refused: { tone: "brick", word: "isRefused" },
} as const;

function KeyRow({ modelKey, onRemove }: { modelKey: ModelKey; onRemove: () => void }) {
  const t = useTexts(modelKeysTexts);
  const locale = useLocale();
  const say = useProblemTexts();
  const test = useTestModelKey();
  const { provider, ending } = modelKey;
  const state = states[modelKey.state];
  const result = test.data;
  const failure = result && !result.ok ? problemText(new Problem({ status: 422, code: result.code ?? "" }), say) : null;
  return (
    <li className="border-b border-border-soft py-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <ModelTile code={tileCode(provider.label)} size={22} />
        <span className="min-w-0 grow basis-48">
          <span className="block font-medium">{provider.label}</span>
          <span className="block truncate text-muted-foreground">
            {t("endsIn", { ending })}
            {modelKey.base_url ? `, ${hostOf(modelKey.base_url)}` : ""}
            {", "}
            {modelKey.last_used_at ? (
              <>
                {t("used")} <When at={modelKey.last_used_at} />
              </>
            ) : (
              t("notUsed")
            )}
          </span>
        </span>
        <StateMark tone={state.tone}>{t(state.word)}</StateMark>
        <span className="flex gap-2">
          <Button
            size="sm"
            busy={test.isPending}
            aria-label={t("testNamed", { name: provider.label })}
            onClick={() => test.mutate(modelKey.id)}
          >
            {t("test")}
          </Button>
          <Button size="sm" variant="danger" aria-label={t("removeNamed", { name: provider.label })} onClick={onRemove}>
            {t("remove")}
          </Button>
        </span>
      </div>
      <FormProblem error={test.error} className="mt-2" />
      <div role="status">
        {result?.ok ? (
          <Notice tone="primary" icon={CircleCheck} className="mt-2">
            {t("tested", { ms: formatNumber(result.ms ?? 0, {}, locale), count: result.models ?? 0 })}
          </Notice>
        ) : null}
        {failure ? (
          <Notice tone="brick" icon={CircleX} className="mt-2">
            {failure.title} {failure.advice}
          </Notice>
        ) : null}
      </div>
    </li>
  );
}

function AddDialog({ keys, onClose }: { keys: ModelKeys; onClose: () => void }) {
  const t = useTexts(modelKeysTexts);
  const add = useAddModelKey();
  // Without the right to name an address, only those that have one of their own are of use.
  const kinds = keys.kinds.filter(
    (kind) => kind.needs_key && (kind.base_url || keys.own_addresses_allowed) && !kind.is_local,
  );
  const { kind, choose, recognise } = useKind(kinds);
  const { form, field, values } = useForm({
    initial: { key: "", address: "" },
    problem: add.error,
    serverNames: { address: "base_url" },
    check: ({ key, address }) => ({
      key: isWholeKey(key) ? undefined : t("keyMissing"),
      address: isAddressFor(kind, address, /^https:\/\/\S+$/) ? undefined : t("addressWrong"),
    }),
    onSubmit: ({ key, address }) => {
      if (!kind) return;
      add.mutate(
        { provider: kind.kind, key: key.trim(), ...(address.trim() ? { base_url: address.trim() } : {}) },
        {
          onSuccess: (made) => {
            toast({ text: t("added", { name: made.provider.label, ending: made.ending }) });
            onClose();
          },
        },
      );
    },
  });
  const [key, address] = [field("key"), field("address")];
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("addTitle")}
      description={t("addText")}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="model-key" variant="primary" busy={add.isPending} disabled={!kind}>
            {t("store")}
          </Button>
        </>
      }
    >
      <form {...form} id="model-key" className="flex flex-col gap-4">
        <FormProblem error={add.error} fields={["key", "base_url"]} />
        <KeyFields
          kinds={kinds}
          kind={kind}
          kindLabel={t("provider")}
          onKind={choose}
          apiKey={key}
          onKeyLeft={() => recognise(values.key)}
          address={keys.own_addresses_allowed ? address : null}
        />
      </form>
    </Dialog>
  );
}

function RemoveDialog({ modelKey, onClose }: { modelKey: ModelKey; onClose: () => void }) {
  const t = useTexts(modelKeysTexts);
  const remove = useRemoveModelKey();
  const { ending, provider } = modelKey;
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("removeTitle", { name: provider.label })}
      description={t("removeText", { ending })}
      action={t("remove")}
      busy={remove.isPending}
      onConfirm={() =>
        remove.mutate(modelKey.id, {
          onSuccess: () => {
            toast({ text: t("removed", { name: provider.label, ending }) });
            onClose();
          },
        })
      }
    >
      <FormProblem error={remove.error} />
    </AlertDialog>
  );
}
