import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ifMatch, read, type Schemas } from "@/shared/api/client";
import { isProblem } from "@/shared/api/problem";
import { formatMoney, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { type Project, useDeed } from "@/shared/projects/api";
import { readAmount } from "@/shared/receipts/amounts";
import { type Budgets as All, type Budget, shareOf, toneOf } from "@/shared/receipts/budgets";
import { Button } from "@/shared/ui/button";
import { RadioGroup } from "@/shared/ui/choice";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { ProgressBar } from "@/shared/ui/marks";
import { Section } from "@/shared/ui/section";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { projectBudgetsQuery } from "./api";
import { projectsTexts } from "./texts";

type Period = Budget["period"];
type Wish = Schemas["BudgetWrite"];

const periods = ["day", "month", "total"] as const satisfies readonly Period[];

/** How much may be spent in a project, by whoever asks there. */
export function Budgets({ project }: { project: Project }) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  const budgets = useQuery(projectBudgetsQuery(project.id));
  const [editing, setEditing] = useState<Period | null>(null);
  const { data } = budgets;
  return (
    <section id="budgets" tabIndex={-1} className="scroll-mt-16 outline-none">
      <Section title={t("budgets")} description={t("budgetsLead")}>
        {budgets.isPending ? <LoadingBars rows={3} /> : null}
        {budgets.isError && !data ? <ErrorState error={budgets.error} onRetry={() => void budgets.refetch()} /> : null}
        {data ? (
          <ul className="border-t border-border-soft">
            {periods.map((period) => {
              const budget = data.items.find((each) => each.period === period);
              const name = t(`period.${period}`);
              const money = (nano: number) => formatMoney(nano, data.currency, {}, locale);
              return (
                <li
                  key={period}
                  className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-border-soft py-3"
                >
                  <span className="w-24 flex-none font-medium">{name}</span>
                  <span className="min-w-0 grow basis-28">
                    {budget ? (
                      <>
                        <span className="num">
                          {t("spentOf", { spent: money(budget.spent_nano), limit: money(budget.limit_nano) })}
                        </span>
                        <ProgressBar
                          label={name}
                          value={shareOf(budget)}
                          max={1}
                          tone={toneOf(budget)}
                          className="mt-1.5 max-w-80"
                        />
                      </>
                    ) : (
                      <span className="text-muted-foreground">{t("noLimit")}</span>
                    )}
                  </span>
                  <Button
                    onClick={() => setEditing(period)}
                    aria-label={budget ? t("changeNamed", { name }) : t("setNamed", { name })}
                  >
                    {budget ? t("changeBudget") : t("setBudget")}
                  </Button>
                </li>
              );
            })}
          </ul>
        ) : null}
        {editing && data ? (
          <BudgetDialog project={project} budgets={data} period={editing} onClose={() => setEditing(null)} />
        ) : null}
      </Section>
    </section>
  );
}

function BudgetDialog({
  project,
  budgets,
  period,
  onClose,
}: {
  project: Project;
  budgets: All;
  period: Period;
  onClose: () => void;
}) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  const before = budgets.items.find((budget) => budget.period === period);
  const [atLimit, setAtLimit] = useState<"stop" | "warn">(before?.stops === false ? "warn" : "stop");
  const save = useDeed(
    (items: Wish[]) =>
      read(
        api.PUT("/api/v1/projects/{project_id}/budgets", {
          params: { path: { project_id: project.id }, header: ifMatch(budgets.version) },
          body: { items },
        }),
      ),
    { shown: true },
  );
  const others = budgets.items
    .filter((budget) => budget.period !== period && !budget.is_imposed)
    .map(({ period, limit_nano, warn_percent, stops }) => ({ period, limit_nano, warn_percent, stops }));
  const put = (items: Wish[], text: string) =>
    save.mutate(items, {
      onSuccess: () => {
        toast({ text });
        onClose();
      },
    });
  const isStale = isProblem(save.error, "http.stale");
  const { form, field } = useForm({
    initial: {
      amount: before
        ? formatNumber(before.limit_nano / 1e9, { maximumFractionDigits: 9, useGrouping: false }, locale)
        : "",
      warn: String(before?.warn_percent ?? 80),
    },
    problem: isStale ? null : save.error,
    check: ({ amount, warn }) => ({
      amount: readAmount(amount) ? undefined : t("amountWrong"),
      warn: /^\d{1,3}$/.test(warn.trim()) && Number(warn) >= 1 && Number(warn) <= 100 ? undefined : t("warnWrong"),
    }),
    onSubmit: ({ amount, warn }) => {
      const limit_nano = readAmount(amount) ?? 0;
      put([...others, { period, limit_nano, warn_percent: Number(warn), stops: atLimit === "stop" }], t("budgetSaved"));
    },
  });
  const [amount, warn] = [field("amount"), field("warn")];
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("budgetTitle", { name: t(`period.${period}`).toLowerCase() })}
      description={project.name}
      footer={
        <>
          {before ? (
            <Button variant="danger" className="mr-auto" onClick={() => put(others, t("budgetRemoved"))}>
              {t("removeBudget")}
            </Button>
          ) : null}
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="budget" variant="primary" busy={save.isPending}>
            {t("save")}
          </Button>
        </>
      }
    >
      <form {...form} id="budget" className="flex flex-col gap-4">
        {isStale ? <Notice tone="brass">{t("staleBudget")}</Notice> : <FormProblem error={save.error} />}
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t("amount", { currency: budgets.currency })} error={amount.error}>
            <Input {...amount.control} inputMode="decimal" autoComplete="off" className="num" />
          </Field>
          <Field label={t("warnFrom")} error={warn.error}>
            <Input
              {...warn.control}
              inputMode="numeric"
              autoComplete="off"
              suffix={<span className="pr-1.5">%</span>}
            />
          </Field>
        </div>
        <RadioGroup
          label={t("atLimit")}
          value={atLimit}
          onChange={setAtLimit}
          options={[
            { value: "stop", label: t("stop"), help: t("stopHelp") },
            { value: "warn", label: t("warnOnly"), help: t("warnOnlyHelp") },
          ]}
        />
      </form>
    </Dialog>
  );
}
