import { useWait } from "@/shared/api/use-wait";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { useForm } from "@/shared/ui/use-form";
import { settingsTexts } from "./texts";

/** The first code that the app shows: it has understood the picture. */
export function CodeForm({
  action,
  busy,
  problem,
  onSubmit,
  onCancel,
}: {
  action: string;
  busy: boolean;
  problem: unknown;
  onSubmit: (code: string) => void;
  onCancel: () => void;
}) {
  const t = useTexts(settingsTexts);
  const wait = useWait(problem);
  const { form, field } = useForm({
    initial: { code: "" },
    problem,
    told: (_name, code) => (code === "wrong" ? t("codeWrong") : undefined),
    check: ({ code }) => ({ code: code.trim() ? undefined : t("codeMissing") }),
    onSubmit: ({ code }) => onSubmit(code.replaceAll(/\s/g, "")),
  });
  const code = field("code");
  return (
    <form {...form} className="flex flex-col gap-4">
      <FormProblem error={problem} fields={["code"]} />
      <Field label={t("code")} help={t("codeHelp")} error={code.error}>
        <Input
          {...code.control}
          name="code"
          inputMode="numeric"
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          className="num"
        />
      </Field>
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onCancel}>
          {t("cancel")}
        </Button>
        <Button type="submit" variant="primary" busy={busy} disabled={wait > 0}>
          {action}
        </Button>
      </div>
    </form>
  );
}
