import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { problemText, useProblemTexts } from "@/shared/api/texts";
import { useWait } from "@/shared/api/use-wait";
import { textLinkClass } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { useForm } from "@/shared/ui/use-form";
import { authTexts } from "./texts";

const isRefused = (error: unknown) => isProblem(error, "auth.code_refused");

export function CodeStep({
  busy,
  problem,
  onSubmit,
  onBack,
}: {
  busy: boolean;
  problem: unknown;
  onSubmit: (code: string) => void;
  onBack: () => void;
}) {
  const t = useTexts(authTexts);
  const say = useProblemTexts();
  const [isRecovery, setRecovery] = useState(false);
  const [typedSince, setTypedSince] = useState<unknown>(null);
  const wait = useWait(problem);
  const { form, field, reset } = useForm({
    initial: { code: "" },
    check: ({ code }) => ({
      code: isRecovery
        ? code.trim()
          ? undefined
          : t("recoveryMissing")
        : /^\d{6}$/.test(code.replaceAll(/\s/g, ""))
          ? undefined
          : t("codeMissing"),
    }),
    problem,
    onSubmit: ({ code }) => onSubmit(isRecovery ? code.trim() : code.replaceAll(/\s/g, "")),
  });
  const code = field("code");
  const refused = isRefused(problem) && typedSince !== problem ? problemText(problem, say).title : undefined;
  return (
    <form {...form} className="flex flex-col gap-4">
      <FormProblem error={isRefused(problem) ? null : problem} fields={["code"]} />
      <Field
        label={isRecovery ? t("recoveryCode") : t("code")}
        help={isRecovery ? t("recoveryHelp") : t("codeHelp")}
        error={code.error ?? refused}
      >
        <Input
          // A new field, so that the keyboard of a phone changes with it.
          key={String(isRecovery)}
          {...code.control}
          onChange={(event) => {
            setTypedSince(problem);
            code.control.onChange(event);
          }}
          name="code"
          inputMode={isRecovery ? "text" : "numeric"}
          autoComplete={isRecovery ? "off" : "one-time-code"}
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          className="num"
        />
      </Field>
      <Button type="submit" variant="primary" size="lg" busy={busy} disabled={wait > 0} className="w-full">
        {t("signIn")}
      </Button>
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <button
          type="button"
          className={textLinkClass}
          onClick={() => {
            setRecovery(!isRecovery);
            setTypedSince(problem);
            reset({ code: "" });
          }}
        >
          {isRecovery ? t("useApp") : t("useRecovery")}
        </button>
        <button type="button" className={textLinkClass} onClick={onBack}>
          {t("back")}
        </button>
      </div>
    </form>
  );
}
