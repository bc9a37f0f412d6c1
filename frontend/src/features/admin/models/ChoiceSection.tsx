import { useQuery } from "@tanstack/react-query";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { Screen } from "@/shared/frame/sheet";
import { useTexts } from "@/shared/i18n/texts";
import { type ModelInfo, modelsQuery } from "@/shared/models/api";
import { ModelChoice } from "@/shared/models/ModelChoice";
import { Button, IconButton } from "@/shared/ui/button";
import { Switch } from "@/shared/ui/choice";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { Select } from "@/shared/ui/select";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { Group } from "../parts";
import { type Alias, type LlmConfig, llmConfigQuery, useChangeConfig } from "./api";
import { adminModelsTexts } from "./texts";

const builtIn = ["auto", "cheapest", "local"] as const;
const fullName = ({ provider, name }: ModelInfo) => `${provider.kind}/${name}`;

function useModelOptions(): { value: string; label: string; hint: string }[] {
  const { data } = useQuery(modelsQuery);
  return data?.items.map((model) => ({ value: fullName(model), label: model.label, hint: model.provider.label })) ?? [];
}

export function ChoiceSection() {
  const t = useTexts(adminModelsTexts);
  const config = useQuery(llmConfigQuery);
  return (
    <Screen title={t("choice")} subtitle={t("choiceLead")} width="form">
      {config.isPending ? <LoadingBars rows={5} /> : null}
      {config.isError && !config.data ? (
        <ErrorState error={config.error} onRetry={() => void config.refetch()} />
      ) : null}
      {config.data ? <Choice config={config.data} /> : null}
    </Screen>
  );
}

function Choice({ config }: { config: LlmConfig }) {
  const t = useTexts(adminModelsTexts);
  const change = useChangeConfig();
  const options = useModelOptions();
  const [editing, setEditing] = useState<Alias | "new" | null>(null);
  const save = (wish: Partial<LlmConfig>, text: string) => {
    const before = Object.fromEntries(Object.keys(wish).map((name) => [name, config[name as keyof LlmConfig]]));
    change.mutate(
      { ...config, ...wish },
      {
        onSuccess: (saved) =>
          toast({
            text,
            undo: () => change.mutateAsync({ ...saved, ...before, version: saved.version }),
          }),
      },
    );
  };
  const { data: models } = useQuery(modelsQuery);
  const current = config.default_model ?? "auto";
  const chosen = models?.items.find((model) => [model.id, model.name, fullName(model)].includes(current));
  const rules = [
    ...builtIn.map((rule) => ({ value: rule as string, label: t(`rule.${rule}`) })),
    ...[...config.rules, ...config.aliases].map(({ name }) => ({ value: name, label: name })),
  ];
  const isRule = rules.some(({ value }) => value === current);
  const choose = (name: string, label: string) =>
    save({ default_model: name === "auto" ? null : name }, t("defaultSaved", { name: label }));
  return (
    <>
      {isProblem(change.error, "http.stale") ? (
        <Notice tone="brass" className="mb-4">
          {t("stale")}
        </Notice>
      ) : (
        <FormProblem error={change.error} className="mb-4" />
      )}
      <Group id="default-model" lead={t("defaultHelp")}>
        <div className="flex flex-wrap items-center gap-3">
          <Select
            label={t("default")}
            className="!w-72 max-w-full"
            options={isRule ? rules : [...rules, { value: current, label: chosen ? t("certain") : current }]}
            value={current}
            onChange={(name) => choose(name, rules.find(({ value }) => value === name)?.label ?? name)}
          />
          <span className="text-muted-foreground">{t("or")}</span>
          <ModelChoice
            models={models?.items ?? []}
            value={chosen?.id ?? null}
            onChoose={(model) => choose(fullName(model), model.label)}
          />
        </div>
      </Group>
      <Group
        id="aliases"
        lead={t("namesLead")}
        actions={
          <Button icon={Plus} onClick={() => setEditing("new")}>
            {t("addName")}
          </Button>
        }
      >
        {config.aliases.length === 0 ? (
          <p className="text-muted-foreground">{t("namesNone")}</p>
        ) : (
          <Table caption={t("names")}>
            <TableHead>
              <Th>{t("alias")}</Th>
              <Th>{t("target")}</Th>
              <Th className="@max-xl:hidden">{t("fallback")}</Th>
              <Th>
                <span className="sr-only">{t("edit")}</span>
              </Th>
            </TableHead>
            <tbody>
              {config.aliases.map((alias) => (
                <Tr key={alias.name}>
                  <Td className="font-mono text-xs">{alias.name}</Td>
                  <Td>{labelOf(alias.model, options)}</Td>
                  <Td className="text-muted-foreground @max-xl:hidden">
                    {alias.fallbacks.map((ref) => labelOf(ref, options)).join(", ") || t("fallbackNone")}
                  </Td>
                  <Td right>
                    <span className="inline-flex gap-1">
                      <IconButton
                        icon={Pencil}
                        size="sm"
                        label={t("editName", { name: alias.name })}
                        onClick={() => setEditing(alias)}
                      />
                      <IconButton
                        icon={Trash2}
                        size="sm"
                        label={t("removeName", { name: alias.name })}
                        onClick={() =>
                          save(
                            { aliases: config.aliases.filter(({ name }) => name !== alias.name) },
                            t("nameRemoved", { name: alias.name }),
                          )
                        }
                      />
                    </span>
                  </Td>
                </Tr>
              ))}
            </tbody>
          </Table>
        )}
      </Group>
      <Group id="own-keys">
        <div className="flex flex-col gap-4">
          <Switch
            label={t("ownKeys")}
            help={t("ownKeysHelp")}
            checked={config.own_keys_allowed}
            onChange={(isOn) => save({ own_keys_allowed: isOn }, t(isOn ? "ownKeysOn" : "ownKeysOff"))}
          />
          <Switch
            label={t("ownAddresses")}
            help={t("ownAddressesHelp")}
            checked={config.own_addresses_allowed}
            disabled={!config.own_keys_allowed}
            onChange={(isOn) => save({ own_addresses_allowed: isOn }, t(isOn ? "ownAddressesOn" : "ownAddressesOff"))}
          />
        </div>
      </Group>
      <Group id="cut-streams">
        <Switch
          label={t("drain")}
          help={t("drainHelp")}
          checked={config.cut_stream_policy === "drain"}
          onChange={(isOn) => save({ cut_stream_policy: isOn ? "drain" : "cancel" }, t(isOn ? "drainOn" : "drainOff"))}
        />
      </Group>
      {editing ? (
        <AliasDialog config={config} alias={editing === "new" ? null : editing} onClose={() => setEditing(null)} />
      ) : null}
    </>
  );
}

const labelOf = (ref: string, options: readonly { value: string; label: string }[]) =>
  options.find(({ value }) => value === ref)?.label ?? ref;

function AliasDialog({ config, alias, onClose }: { config: LlmConfig; alias: Alias | null; onClose: () => void }) {
  const t = useTexts(adminModelsTexts);
  const change = useChangeConfig();
  const options = useModelOptions();
  const [model, setModel] = useState(alias?.model ?? null);
  const [fallback, setFallback] = useState(alias?.fallbacks[0] ?? "");
  const [isMissing, setMissing] = useState(false);
  const others = config.aliases.filter(({ name }) => name !== alias?.name);
  const { form, field } = useForm({
    initial: { name: alias?.name ?? "" },
    problem: change.error,
    check: ({ name }) => ({
      name: !/^[a-z0-9][a-z0-9._-]{0,59}$/.test(name)
        ? t("aliasWrong")
        : [...others, ...config.rules].some((each) => each.name === name) || builtIn.some((rule) => rule === name)
          ? t("aliasTaken")
          : undefined,
    }),
    onSubmit: ({ name }) => {
      if (!model) return setMissing(true);
      // Of several that stand in, the dialog changes the first.
      const fallbacks = [...(fallback ? [fallback] : []), ...(alias?.fallbacks.slice(1) ?? [])];
      change.mutate(
        { ...config, aliases: [...others, { name, model, fallbacks }] },
        {
          onSuccess: () => {
            toast({ text: t("nameSaved", { name }) });
            onClose();
          },
        },
      );
    },
  });
  const name = field("name");
  const withCurrent = (value: string | null) =>
    value && !options.some((option) => option.value === value) ? [...options, { value, label: value }] : options;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("addName")}
      width="sm"
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="alias" variant="primary" busy={change.isPending}>
            {t("save")}
          </Button>
        </>
      }
    >
      <form {...form} id="alias" className="flex flex-col gap-4">
        <FormProblem error={change.error} />
        <Field label={t("alias")} help={t("aliasHelp")} error={name.error}>
          <Input {...name.control} autoComplete="off" autoCapitalize="none" spellCheck={false} className="font-mono" />
        </Field>
        <Field label={t("target")} error={isMissing && !model ? t("targetMissing") : undefined}>
          <Select options={withCurrent(model)} value={model} onChange={setModel} />
        </Field>
        <Field label={t("fallback")}>
          <Select
            options={[{ value: "", label: t("fallbackNone") }, ...withCurrent(fallback || null)]}
            value={fallback}
            onChange={setFallback}
          />
        </Field>
      </form>
    </Dialog>
  );
}
