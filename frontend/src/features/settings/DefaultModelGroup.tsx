import { useQuery } from "@tanstack/react-query";
import { useTexts } from "@/shared/i18n/texts";
import { modelsQuery } from "@/shared/models/api";
import { usePreferred } from "@/shared/models/choosing";
import { ModelChoice } from "@/shared/models/ModelChoice";
import { ruleName } from "@/shared/models/rules";
import { modelsTexts } from "@/shared/models/texts";
import { useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Select } from "@/shared/ui/select";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { modelKeysTexts } from "./model-keys-texts";
import { SettingGroup } from "./parts";

const HOUSE = "";

/** What answers when this person names no model: as the house has it, a rule or name of the house, or a model. */
export function DefaultModelGroup() {
  const t = useTexts(modelKeysTexts);
  const m = useTexts(modelsTexts);
  const { settings } = useMe();
  const list = useQuery(modelsQuery);
  const { mutateAsync } = usePreferred();
  const { data } = list;
  const value = settings.default_model ?? HOUSE;
  const save = async (wish: string, name: string) => {
    try {
      await mutateAsync(wish || null);
    } catch {
      // Told by a toast, and the control has jumped back by itself.
      return;
    }
    toast({ text: t("defaultSaved", { name }), undo: () => mutateAsync(value || null) });
  };
  if (!data) {
    return (
      <SettingGroup id="default-model" lead={t("defaultLead")}>
        {list.isPending ? <LoadingBars rows={1} /> : null}
        {list.isError ? <ErrorState error={list.error} onRetry={() => void list.refetch()} /> : null}
      </SettingGroup>
    );
  }
  const { items, rules, preferred } = data;
  const aliases = [...new Set(items.flatMap((model) => model.aliases))].toSorted();
  const house = items.find(({ id }) => id === data.default_model_id)?.label ?? ruleName(data.default, m);
  const names = [
    { value: HOUSE, label: t("asTheHouse", { name: house }) },
    ...rules.map(({ name }) => ({ value: name, label: ruleName(name, m) })),
    ...aliases.map((name) => ({ value: name, label: name })),
  ];
  const isName = names.some((option) => option.value === value);
  const chosen = isName ? undefined : items.find(({ id }) => id === preferred?.model_id);
  return (
    <SettingGroup id="default-model" lead={t("defaultLead")}>
      {preferred && !preferred.is_usable ? (
        <Notice tone="brass" className="mb-3">
          <p>{preferred.label ? m("preferredGone", { name: preferred.label }) : m("preferredGoneUnnamed")}</p>
          <Button size="sm" className="mt-2" onClick={() => void save(HOUSE, house)}>
            {t("takeHouse", { name: house })}
          </Button>
        </Notice>
      ) : null}
      <div className="flex flex-wrap items-center gap-3">
        <Select
          label={t("defaultModel")}
          className="!w-[22.5rem] max-w-full"
          options={
            isName ? names : [...names, { value, label: chosen ? t("certain") : (preferred?.label ?? t("gone")) }]
          }
          value={value}
          onChange={(name) => void save(name, names.find((option) => option.value === name)?.label ?? name)}
        />
        <span className="text-muted-foreground">{t("or")}</span>
        <ModelChoice
          models={items}
          value={chosen?.id ?? null}
          preferred={preferred}
          onChoose={(model) => void save(model.id, model.label)}
        />
      </div>
    </SettingGroup>
  );
}
