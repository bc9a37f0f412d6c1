import { useQuery } from "@tanstack/react-query";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { formatPercent } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { modelsQuery } from "@/shared/models/api";
import { Button, IconButton } from "@/shared/ui/button";
import { Combobox } from "@/shared/ui/combobox";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { Input } from "@/shared/ui/input";
import { Select } from "@/shared/ui/select";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { useForm } from "@/shared/ui/use-form";
import { Group, roleText } from "../parts";
import { adminTexts } from "../texts";
import { type Role, roles } from "../users/api";
import type { Billing, BillingChange, Markup } from "./api";
import { inOrder, isSame, type Rule, ruleFor } from "./markups";
import { readDecimal, writeDecimal } from "./numbers";
import { billingTexts } from "./texts";
import { useKinds } from "./use-kinds";

type Save = (wish: BillingChange, undo: BillingChange, text: string) => void;

/** What is added for some models, providers or roles, in the order in which it counts. */
export function MarkupRules({ billing, save }: { billing: Billing; save: Save }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const words = useWords();
  const [editing, setEditing] = useState<Rule | "new" | null>(null);
  const { markups } = billing;
  const percent = (basisPoints: number) => formatPercent(basisPoints / 10_000, 2, locale);
  const change = (next: Markup[], text: string) => save({ markups: next }, { markups }, text);
  const rules = inOrder(markups);
  return (
    <Group
      id="markups"
      lead={t("specialLead")}
      actions={
        <Button icon={Plus} onClick={() => setEditing("new")}>
          {t("specialAdd")}
        </Button>
      }
    >
      <Table caption={t("special")}>
        <TableHead>
          <Th className="w-8">
            <span className="sr-only">{t("place")}</span>
          </Th>
          <Th>{t("appliesTo")}</Th>
          <Th right>{t("percent")}</Th>
          <Th>
            <span className="sr-only">{t("change")}</span>
          </Th>
        </TableHead>
        <tbody>
          {rules.map((rule, index) => {
            const name = words(rule.markup);
            return (
              <Tr key={rule.place}>
                <Td className="num text-faint">{index + 1}</Td>
                <Td className="py-2">{name}</Td>
                <Td right className="font-medium">
                  {percent(rule.markup.basis_points)}
                </Td>
                <Td>
                  <span className="flex justify-end gap-0.5">
                    <IconButton
                      icon={Pencil}
                      size="sm"
                      label={t("specialChange", { name })}
                      onClick={() => setEditing(rule)}
                    />
                    <IconButton
                      icon={Trash2}
                      size="sm"
                      label={t("specialRemove", { name })}
                      onClick={() =>
                        change(
                          markups.filter((_, place) => place !== rule.place),
                          t("specialRemoved", { name }),
                        )
                      }
                    />
                  </span>
                </Td>
              </Tr>
            );
          })}
          <Tr>
            <Td className="num text-faint">{rules.length + 1}</Td>
            <Td className="py-2 text-muted-foreground">{t(rules.length > 0 ? "everythingElse" : "everything")}</Td>
            <Td right className="text-muted-foreground">
              {percent(billing.markup_bp)}
            </Td>
            <Td />
          </Tr>
        </tbody>
      </Table>
      <Trial billing={billing} />
      {editing ? (
        <RuleDialog
          rule={editing === "new" ? null : editing}
          markups={markups}
          onClose={() => setEditing(null)}
          onSave={(markup) => {
            const next =
              editing === "new"
                ? [...markups, markup]
                : markups.map((before, place) => (place === editing.place ? markup : before));
            change(next, t("specialSaved", { name: words(markup) }));
            setEditing(null);
          }}
        />
      ) : null}
    </Group>
  );
}

/** "Claude Sonnet 4.5, at Anthropic, for users" */
function useWords(): (markup: Pick<Markup, "provider" | "model" | "role">) => string {
  const t = useTexts(billingTexts);
  const a = useTexts(adminTexts);
  const kinds = useKinds();
  return ({ provider, model, role }) =>
    [
      model ?? (provider || role ? t("everyModel") : null),
      provider ? t("atProvider", { name: kinds.get(provider) ?? provider }) : null,
      role ? t("forRole", { name: roleText(a, role) }) : null,
    ]
      .filter(Boolean)
      .join(", ");
}

/** Says which of the rules somebody's question would fall under. */
function Trial({ billing }: { billing: Billing }) {
  const t = useTexts(billingTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const words = useWords();
  const { data } = useQuery(modelsQuery);
  const [chosen, setChosen] = useState<string | null>(null);
  const [role, setRole] = useState<Role>("user");
  const models = data?.items ?? [];
  const model = models.find(({ id }) => id === chosen);
  const rule = model ? ruleFor(billing, { provider: model.provider.kind, model: model.name, role }) : null;
  if (models.length === 0 || billing.markups.length === 0) return null;
  return (
    <div className="mt-4">
      <h3 className="font-medium">{t("trial")}</h3>
      <div className="mt-1.5 flex flex-wrap items-center gap-2">
        <Combobox
          label={t("trialModel")}
          placeholder={t("trialModel")}
          options={models.map(({ id, label, provider }) => ({ value: id, label: `${label}, ${provider.label}` }))}
          value={chosen}
          onChange={setChosen}
          className="w-72 max-w-full"
        />
        <Select<Role>
          label={t("role")}
          options={roles.map((each) => ({ value: each, label: roleText(a, each) }))}
          value={role}
          onChange={setRole}
          className="!w-44"
        />
        {model ? (
          <p role="status" className="num">
            <span className="font-medium">
              {formatPercent((rule?.markup.basis_points ?? billing.markup_bp) / 10_000, 2, locale)}
            </span>
            <span className="text-muted-foreground">
              , {rule ? t("trialRule", { name: words(rule.markup) }) : t("trialGeneral")}
            </span>
          </p>
        ) : null}
      </div>
    </div>
  );
}

const NONE = "";

function RuleDialog({
  rule,
  markups,
  onClose,
  onSave,
}: {
  rule: Rule | null;
  markups: readonly Markup[];
  onClose: () => void;
  onSave: (markup: Markup) => void;
}) {
  const t = useTexts(billingTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const kinds = useKinds();
  const { data } = useQuery(modelsQuery);
  const before = rule?.markup;
  const [provider, setProvider] = useState(before?.provider ?? NONE);
  const [model, setModel] = useState(before?.model ?? NONE);
  const [role, setRole] = useState<Role | "">((before?.role as Role | null | undefined) ?? "");
  const wish = { provider: provider || null, model: model || null, role: role || null };
  const isNothing = !provider && !model && !role;
  const isTwice = markups.some((each, place) => place !== rule?.place && isSame(each, { ...wish, basis_points: 0 }));
  const names = new Map(
    data?.items
      .filter((each) => !provider || each.provider.kind === provider)
      .map(({ name, label }) => [name, label === name ? name : `${label} (${name})`]),
  );
  if (before?.model && !names.has(before.model)) names.set(before.model, before.model);
  const { form, field } = useForm({
    initial: { percent: before ? writeDecimal(before.basis_points / 100, locale) : "" },
    check: ({ percent }) => {
      const value = readDecimal(percent);
      return { percent: value !== null && value <= 1000 ? undefined : t("markupWrong") };
    },
    onSubmit: ({ percent }) => {
      if (isNothing || isTwice) return;
      onSave({ ...wish, basis_points: Math.round((readDecimal(percent) ?? 0) * 100) });
    },
  });
  const percent = field("percent");
  const [isTried, setTried] = useState(false);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("specialTitle")}
      description={t("specialText")}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="markup-rule" variant="primary" onClick={() => setTried(true)}>
            {t("save")}
          </Button>
        </>
      }
    >
      <form {...form} id="markup-rule" className="grid gap-4 sm:grid-cols-2">
        <Field label={t("provider")}>
          <Select
            options={[
              { value: NONE, label: t("everyProvider") },
              ...[...kinds].map(([kind, label]) => ({ value: kind, label })),
            ]}
            value={provider}
            onChange={(next) => {
              setProvider(next);
              setModel(NONE);
            }}
          />
        </Field>
        <Field label={t("model")}>
          <Combobox
            label={t("model")}
            options={[
              { value: NONE, label: t("everyModel") },
              ...[...names].map(([value, label]) => ({ value, label })),
            ]}
            value={model}
            onChange={setModel}
          />
        </Field>
        <Field label={t("role")}>
          <Select<Role | "">
            options={[
              { value: NONE, label: t("everyRole") },
              ...roles.map((each) => ({ value: each, label: roleText(a, each) })),
            ]}
            value={role}
            onChange={setRole}
          />
        </Field>
        <Field label={t("percent")} error={percent.error}>
          <Input
            {...percent.control}
            inputMode="decimal"
            autoComplete="off"
            suffix={<span className="pr-1.5">%</span>}
            className="num"
          />
        </Field>
        {isTried && (isNothing || isTwice) ? (
          <p role="alert" className="text-brick-text sm:col-span-2">
            {t(isNothing ? "specialMissing" : "specialTwice")}
          </p>
        ) : null}
      </form>
    </Dialog>
  );
}
