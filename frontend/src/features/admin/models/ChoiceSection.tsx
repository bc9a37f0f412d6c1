import { useQuery } from "@tanstack/react-query";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { Screen } from "@/shared/frame/sheet";
import { useTexts } from "@/shared/i18n/texts";
import { ModelChoice } from "@/shared/models/ModelChoice";
import { builtInRules, ruleName } from "@/shared/models/rules";
import { modelsTexts } from "@/shared/models/texts";
import { Button, IconButton } from "@/shared/ui/button";
import { Switch } from "@/shared/ui/choice";
import { FormProblem } from "@/shared/ui/form-problem";
import { Select } from "@/shared/ui/select";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { Group } from "../parts";
import { type Alias, type LlmConfig, llmConfigQuery, type Rule, useChangeConfig } from "./api";
import { AliasDialog, RuleDialog } from "./ChoiceDialogs";
import { fullName, labelOf, optionsOf, useHouseModels, withCurrent } from "./options";
import { adminModelsTexts } from "./texts";

const NONE = "";

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

type Editing = { kind: "alias"; entry: Alias | null } | { kind: "rule"; entry: Rule | null };

function Choice({ config }: { config: LlmConfig }) {
  const t = useTexts(adminModelsTexts);
  const m = useTexts(modelsTexts);
  const change = useChangeConfig();
  const models = useHouseModels();
  const options = optionsOf(models, "text");
  const [editing, setEditing] = useState<Editing | null>(null);
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
  // What goes by a name that is taken away goes back to the rule that is always there.
  const without = (name: string) => (config.default_model === name ? { default_model: null } : {});
  const current = config.default_model ?? "auto";
  const chosen = models.find((model) => [model.id, model.name, fullName(model)].includes(current));
  const names = [
    ...builtInRules.map((rule) => ({ value: rule as string, label: ruleName(rule, m) })),
    ...[...config.rules, ...config.aliases].map(({ name }) => ({ value: name, label: name })),
  ];
  const isName = names.some(({ value }) => value === current);
  const choose = (name: string, label: string) =>
    save({ default_model: name === "auto" ? null : name }, t("defaultSaved", { name: label }));
  const vectors = withCurrent(optionsOf(models, "vector"), config.embedding_model ?? null);
  const close = () => setEditing(null);
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
            options={isName ? names : [...names, { value: current, label: chosen ? t("certain") : current }]}
            value={current}
            onChange={(name) => choose(name, names.find(({ value }) => value === name)?.label ?? name)}
          />
          <span className="text-muted-foreground">{t("or")}</span>
          <ModelChoice
            models={models}
            value={chosen?.id ?? null}
            onChoose={(model) => choose(fullName(model), model.label)}
          />
        </div>
      </Group>
      <Group id="embedding-model" lead={t("embeddingHelp")}>
        {vectors.length === 0 ? (
          <p className="text-muted-foreground">{t("embeddingNone")}</p>
        ) : (
          <Select
            label={t("embedding")}
            className="!w-72 max-w-full"
            options={[{ value: NONE, label: t("embeddingOff") }, ...vectors]}
            value={config.embedding_model ?? NONE}
            onChange={(ref) =>
              save(
                { embedding_model: ref || null },
                ref ? t("embeddingSaved", { name: labelOf(ref, vectors) }) : t("embeddingSavedOff"),
              )
            }
          />
        )}
      </Group>
      <Entries
        id="aliases"
        caption={t("names")}
        lead={t("namesLead")}
        none={t("namesNone")}
        add={t("addName")}
        heads={[t("alias"), t("target"), t("fallback")]}
        entries={config.aliases}
        cells={(alias) => [
          labelOf(alias.model, options),
          alias.fallbacks.map((ref) => labelOf(ref, options)).join(", ") || t("fallbackNone"),
        ]}
        edit={(name) => t("editName", { name })}
        remove={(name) => t("removeName", { name })}
        onEdit={(entry) => setEditing({ kind: "alias", entry })}
        onRemove={({ name }) =>
          save(
            { ...without(name), aliases: config.aliases.filter((each) => each.name !== name) },
            t("nameRemoved", { name }),
          )
        }
      />
      <Entries
        id="rules"
        caption={t("rules")}
        lead={t("rulesLead")}
        none={t("rulesNone")}
        add={t("addRule")}
        heads={[t("alias"), t("strategy"), t("amongLegend")]}
        entries={config.rules}
        cells={(rule) => [
          t(`strategy.${rule.strategy}`),
          rule.models.map((ref) => labelOf(ref, options)).join(", ") || t("amongAll"),
        ]}
        edit={(name) => t("editRule", { name })}
        remove={(name) => t("removeRule", { name })}
        onEdit={(entry) => setEditing({ kind: "rule", entry })}
        onRemove={({ name }) =>
          save(
            { ...without(name), rules: config.rules.filter((each) => each.name !== name) },
            t("ruleRemoved", { name }),
          )
        }
      />
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
        <div className="flex flex-col gap-4">
          <Switch
            label={t("drain")}
            help={t("drainHelp")}
            checked={config.cut_stream_policy === "drain"}
            onChange={(isOn) =>
              save({ cut_stream_policy: isOn ? "drain" : "cancel" }, t(isOn ? "drainOn" : "drainOff"))
            }
          />
          <Switch
            label={t("unanswered")}
            help={t("unansweredHelp")}
            checked={config.unanswered_policy === "input"}
            onChange={(isOn) =>
              save({ unanswered_policy: isOn ? "input" : "nothing" }, t(isOn ? "unansweredOn" : "unansweredOff"))
            }
          />
        </div>
      </Group>
      {editing?.kind === "alias" ? (
        <AliasDialog config={config} alias={editing.entry} options={options} onClose={close} />
      ) : null}
      {editing?.kind === "rule" ? (
        <RuleDialog config={config} rule={editing.entry} options={options} onClose={close} />
      ) : null}
    </>
  );
}

/** A table of what the house has named: a name and two things behind it. */
function Entries<Entry extends { name: string }>({
  id,
  caption,
  lead,
  none,
  add,
  heads,
  entries,
  cells,
  edit,
  remove,
  onEdit,
  onRemove,
}: {
  id: string;
  caption: string;
  lead: ReactNode;
  none: string;
  add: string;
  heads: readonly [string, string, string];
  entries: readonly Entry[];
  cells: (entry: Entry) => readonly [string, string];
  edit: (name: string) => string;
  remove: (name: string) => string;
  onEdit: (entry: Entry | null) => void;
  onRemove: (entry: Entry) => void;
}) {
  const t = useTexts(adminModelsTexts);
  const [first, second, third] = heads;
  return (
    <Group
      id={id}
      lead={lead}
      actions={
        <Button icon={Plus} onClick={() => onEdit(null)}>
          {add}
        </Button>
      }
    >
      {entries.length === 0 ? (
        <p className="text-muted-foreground">{none}</p>
      ) : (
        <Table caption={caption}>
          <TableHead>
            <Th>{first}</Th>
            <Th>{second}</Th>
            <Th className="@max-xl:hidden">{third}</Th>
            <Th>
              <span className="sr-only">{t("edit")}</span>
            </Th>
          </TableHead>
          <tbody>
            {entries.map((entry) => {
              const [what, which] = cells(entry);
              return (
                <Tr key={entry.name}>
                  <Td className="font-mono text-xs">{entry.name}</Td>
                  <Td>{what}</Td>
                  <Td className="max-w-64 truncate text-muted-foreground @max-xl:hidden" title={which}>
                    {which}
                  </Td>
                  <Td right>
                    <span className="inline-flex gap-1">
                      <IconButton icon={Pencil} size="sm" label={edit(entry.name)} onClick={() => onEdit(entry)} />
                      <IconButton icon={Trash2} size="sm" label={remove(entry.name)} onClick={() => onRemove(entry)} />
                    </span>
                  </Td>
                </Tr>
              );
            })}
          </tbody>
        </Table>
      )}
    </Group>
  );
}
