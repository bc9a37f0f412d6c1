import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { isProblem } from "@/shared/api/problem";
import { problemText, useProblemTexts } from "@/shared/api/texts";
import { useTexts } from "@/shared/i18n/texts";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input, Textarea } from "@/shared/ui/input";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { FormFoot, Group } from "../parts";
import { adminTexts } from "../texts";
import { type Configuration, type ConfigurationChange, configurationQuery, useChangeConfiguration } from "./api";
import { configurationTexts } from "./texts";

/** What needs the configuration waits for it in its place. */
export function WithConfiguration({ children }: { children: (configuration: Configuration) => ReactNode }) {
  const configuration = useQuery(configurationQuery);
  if (configuration.data) return children(configuration.data);
  if (configuration.isError) {
    return <ErrorState error={configuration.error} onRetry={() => void configuration.refetch()} />;
  }
  return <LoadingBars rows={5} />;
}

/** Saves at once, says the new state, and takes it back on demand. */
export function useSaveNow(): (change: ConfigurationChange, undo: ConfigurationChange, text: string) => void {
  const { mutateAsync } = useChangeConfiguration();
  const say = useProblemTexts();
  return (change, undo, text) => {
    mutateAsync(change).then(
      () => toast({ text, undo: () => mutateAsync(undo) }),
      (error: unknown) => {
        const { title, advice } = problemText(error, say);
        toast({ text: `${title} ${advice}`.trim() });
      },
    );
  };
}

/** One setting that is text and saved by button. It begins anew whenever the stored value is another. */
export function TextSetting({
  id,
  field: serverName,
  lead,
  label,
  help,
  value,
  check,
  toChange,
  version,
  rows,
  suffix,
  numeric = false,
}: {
  id: string;
  field: keyof ConfigurationChange;
  lead: string;
  label: string;
  help?: string;
  value: string;
  check: (text: string) => string | undefined;
  toChange: (text: string) => ConfigurationChange;
  version: number;
  /** Several lines. */
  rows?: number;
  suffix?: ReactNode;
  numeric?: boolean;
}) {
  return (
    <Group id={id} lead={lead}>
      <SettingForm
        key={value}
        {...{ serverName, label, help, value, check, toChange, version, rows, suffix, numeric }}
      />
    </Group>
  );
}

function SettingForm({
  serverName,
  label,
  help,
  value,
  check,
  toChange,
  version,
  rows,
  suffix,
  numeric,
}: {
  serverName: keyof ConfigurationChange;
  label: string;
  help?: string;
  value: string;
  check: (text: string) => string | undefined;
  toChange: (text: string) => ConfigurationChange;
  version: number;
  rows?: number;
  suffix?: ReactNode;
  numeric: boolean;
}) {
  const t = useTexts(configurationTexts);
  const a = useTexts(adminTexts);
  const change = useChangeConfiguration();
  const isStale = isProblem(change.error, "http.stale");
  const { form, field, isDirty, reset } = useForm({
    initial: { text: value },
    problem: isStale ? null : change.error,
    serverNames: { text: serverName },
    check: ({ text }) => ({ text: check(text) }),
    onSubmit: ({ text }) =>
      change.mutate({ ...toChange(text), version }, { onSuccess: () => toast({ text: t("saved") }) }),
  });
  const text = field("text");
  return (
    <form {...form} className="flex max-w-[38.5rem] flex-col gap-3">
      {isStale ? (
        <Notice tone="brass">{a("staleHere")}</Notice>
      ) : (
        <FormProblem error={change.error} fields={[serverName]} />
      )}
      <Field label={label} help={help} error={text.error}>
        {rows ? (
          <Textarea {...text.control} rows={rows} spellCheck={false} />
        ) : (
          <Input
            {...text.control}
            autoComplete="off"
            inputMode={numeric ? "decimal" : undefined}
            suffix={suffix}
            className={numeric ? "num !w-40" : undefined}
          />
        )}
      </Field>
      <FormFoot
        isDirty={isDirty}
        busy={change.isPending}
        onDiscard={() => {
          reset({ text: value });
          change.reset();
        }}
      />
    </form>
  );
}
