import { useState } from "react";
import { useWait } from "@/shared/api/use-wait";
import { textLinkClass } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input, PasswordInput } from "@/shared/ui/input";
import { useForm } from "@/shared/ui/use-form";
import { settingsTexts } from "./texts";

/** Proof that it is really the person: a code from the app, a recovery code, or the password. */
export function CodeForm({
  action,
  busy,
  problem,
  onSubmit,
  onCancel,
  allowPassword = false,
  isDestructive = false,
}: {
  action: string;
  busy: boolean;
  problem: unknown;
  onSubmit: (value: string, kind: "code" | "password") => void;
  onCancel: () => void;
  allowPassword?: boolean;
  isDestructive?: boolean;
}) {
  const t = useTexts(settingsTexts);
  const [kind, setKind] = useState<"code" | "password">("code");
  const wait = useWait(problem);
  const { form, field, reset } = useForm({
    initial: { proof: "" },
    problem,
    serverNames: { proof: kind },
    told: (_name, code) => (code === "wrong" ? (kind === "code" ? t("codeWrong") : t("passwordWrong")) : undefined),
    check: ({ proof }) => ({
      proof: proof.trim() ? undefined : kind === "code" ? t("codeMissing") : t("passwordMissing"),
    }),
    onSubmit: ({ proof }) => onSubmit(kind === "code" ? proof.replaceAll(/\s/g, "") : proof, kind),
  });
  const proof = field("proof");
  return (
    <form {...form} className="flex flex-col gap-4">
      <FormProblem error={problem} fields={["code", "password"]} />
      {kind === "code" ? (
        <Field
          label={t("code")}
          help={allowPassword || isDestructive ? t("codeOrRecovery") : t("codeHelp")}
          error={proof.error}
        >
          <Input
            {...proof.control}
            name="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            className="num"
          />
        </Field>
      ) : (
        <Field label={t("passwordCurrent")} error={proof.error}>
          <PasswordInput {...proof.control} name="password" autoComplete="current-password" autoFocus />
        </Field>
      )}
      {allowPassword ? (
        <button
          type="button"
          className={`${textLinkClass} self-start`}
          onClick={() => {
            setKind(kind === "code" ? "password" : "code");
            reset({ proof: "" });
          }}
        >
          {kind === "code" ? t("usePassword") : t("useCode")}
        </button>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onCancel}>
          {t("cancel")}
        </Button>
        <Button type="submit" variant={isDestructive ? "destructive" : "primary"} busy={busy} disabled={wait > 0}>
          {action}
        </Button>
      </div>
    </form>
  );
}
