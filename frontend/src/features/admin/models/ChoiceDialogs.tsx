import { type ReactNode, useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { useTexts } from "@/shared/i18n/texts";
import { builtInRules } from "@/shared/models/rules";
import { Button } from "@/shared/ui/button";
import { RadioGroup } from "@/shared/ui/choice";
import { Combobox } from "@/shared/ui/combobox";
import { Dialog } from "@/shared/ui/dialog";
import { Field, FieldGroup } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { type FormField, useForm } from "@/shared/ui/use-form";
import { type Alias, type LlmConfig, type Rule, useChangeConfig } from "./api";
import { OrderedModels } from "./OrderedModels";
import { type ModelOption, withCurrent } from "./options";
import { adminModelsTexts } from "./texts";

const shape = /^[a-z0-9][a-z0-9._-]{0,59}$/;

function useNameCheck(config: LlmConfig, own: string | undefined): (name: string) => string | undefined {
  const t = useTexts(adminModelsTexts);
  const taken = new Set([...config.aliases, ...config.rules].map(({ name }) => name).filter((name) => name !== own));
  return (name) => {
    if (!shape.test(name)) return t("aliasWrong");
    return taken.has(name) || builtInRules.some((rule) => rule === name) ? t("aliasTaken") : undefined;
  };
}

/** The frame of both: a name, and what stands behind it. After a conflict the second try builds on what is there now. */
function EntryDialog({
  id,
  title,
  name,
  change,
  form,
  onClose,
  children,
}: {
  id: string;
  title: string;
  name: FormField;
  change: ReturnType<typeof useChangeConfig>;
  form: ReturnType<typeof useForm<{ name: string }>>["form"];
  onClose: () => void;
  children: ReactNode;
}) {
  const t = useTexts(adminModelsTexts);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form={id} variant="primary" busy={change.isPending}>
            {t("save")}
          </Button>
        </>
      }
    >
      <form {...form} id={id} className="flex flex-col gap-4">
        {isProblem(change.error, "http.stale") ? (
          <Notice tone="brass">{t("staleEntry")}</Notice>
        ) : (
          <FormProblem error={change.error} />
        )}
        <Field label={t("alias")} help={t("aliasHelp")} error={name.error}>
          <Input {...name.control} autoComplete="off" autoCapitalize="none" spellCheck={false} className="font-mono" />
        </Field>
        {children}
      </form>
    </Dialog>
  );
}

export function AliasDialog({
  config,
  alias,
  options,
  onClose,
}: {
  config: LlmConfig;
  alias: Alias | null;
  options: readonly ModelOption[];
  onClose: () => void;
}) {
  const t = useTexts(adminModelsTexts);
  const change = useChangeConfig();
  const checkName = useNameCheck(config, alias?.name);
  const [model, setModel] = useState(alias?.model ?? null);
  const [fallbacks, setFallbacks] = useState<readonly string[]>(alias?.fallbacks ?? []);
  const [isMissing, setMissing] = useState(false);
  const { form, field } = useForm({
    initial: { name: alias?.name ?? "" },
    problem: change.error,
    check: ({ name }) => ({ name: checkName(name) }),
    onSubmit: ({ name }) => {
      if (!model) return setMissing(true);
      const entry = { name, model, fallbacks: fallbacks.filter((each) => each !== model) };
      change.mutate(
        { ...config, ...following(config, alias, name), aliases: replaced(config.aliases, alias, entry) },
        {
          onSuccess: () => {
            toast({ text: t("nameSaved", { name }) });
            onClose();
          },
        },
      );
    },
  });
  return (
    <EntryDialog
      id="alias"
      title={t(alias ? "editNameTitle" : "addName")}
      name={field("name")}
      change={change}
      form={form}
      onClose={onClose}
    >
      <Field label={t("target")} error={isMissing && !model ? t("targetMissing") : undefined}>
        <Combobox options={withCurrent(options, model)} value={model} onChange={setModel} />
      </Field>
      <FieldGroup legend={t("fallback")} help={t("fallbackHelp")}>
        <OrderedModels
          label={t("fallback")}
          options={options.filter(({ value }) => value !== model)}
          value={fallbacks}
          onChange={setFallbacks}
        />
      </FieldGroup>
    </EntryDialog>
  );
}

const strategies = ["first_healthy", "cheapest", "local"] as const;

export function RuleDialog({
  config,
  rule,
  options,
  onClose,
}: {
  config: LlmConfig;
  rule: Rule | null;
  options: readonly ModelOption[];
  onClose: () => void;
}) {
  const t = useTexts(adminModelsTexts);
  const change = useChangeConfig();
  const checkName = useNameCheck(config, rule?.name);
  const [strategy, setStrategy] = useState<Rule["strategy"]>(rule?.strategy ?? "first_healthy");
  const [models, setModels] = useState<readonly string[]>(rule?.models ?? []);
  const { form, field } = useForm({
    initial: { name: rule?.name ?? "" },
    problem: change.error,
    check: ({ name }) => ({ name: checkName(name) }),
    onSubmit: ({ name }) =>
      change.mutate(
        {
          ...config,
          ...following(config, rule, name),
          rules: replaced(config.rules, rule, { name, strategy, models: [...models] }),
        },
        {
          onSuccess: () => {
            toast({ text: t("ruleSaved", { name }) });
            onClose();
          },
        },
      ),
  });
  return (
    <EntryDialog
      id="rule"
      title={t(rule ? "editRuleTitle" : "addRule")}
      name={field("name")}
      change={change}
      form={form}
      onClose={onClose}
    >
      <FieldGroup legend={t("strategy")}>
        <RadioGroup
          label={t("strategy")}
          value={strategy}
          onChange={setStrategy}
          options={strategies.map((each) => ({
            value: each,
            label: t(`strategy.${each}`),
            help: t(`strategy.${each}.help`),
          }))}
        />
      </FieldGroup>
      <FieldGroup legend={t("amongLegend")} help={t("amongHelp")}>
        <OrderedModels label={t("amongLegend")} options={options} value={models} onChange={setModels} />
      </FieldGroup>
    </EntryDialog>
  );
}

/** Where the default of the house goes by a name that changes, it goes along. */
function following(config: LlmConfig, before: { name: string } | null, name: string): Partial<LlmConfig> {
  return before && config.default_model === before.name ? { default_model: name } : {};
}

/** In its place, or at the end if it is new. */
function replaced<Entry extends { name: string }>(
  entries: readonly Entry[],
  before: Entry | null,
  entry: Entry,
): Entry[] {
  return before && entries.some(({ name }) => name === before.name)
    ? entries.map((each) => (each.name === before.name ? entry : each))
    : [...entries, entry];
}
