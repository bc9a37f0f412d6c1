import { useState } from "react";
import { Problem } from "@/shared/api/problem";
import { useWait } from "@/shared/api/use-wait";
import { Link, textLinkClass } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Checkbox } from "@/shared/ui/choice";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input, PasswordInput } from "@/shared/ui/input";
import { Notice } from "@/shared/ui/states";
import { useForm } from "@/shared/ui/use-form";
import type { Credentials } from "./api";
import { emailMessage } from "./rules";
import { authTexts } from "./texts";

export function CredentialsStep({
  busy,
  problem,
  onSubmit,
  canReset,
}: {
  busy: boolean;
  problem: unknown;
  onSubmit: (credentials: Credentials) => void;
  canReset: boolean;
}) {
  const t = useTexts(authTexts);
  const [remember, setRemember] = useState(true);
  const wait = useWait(problem);
  const { form, field } = useForm({
    initial: { email: "", password: "" },
    problem,
    check: (values) => ({
      email: emailMessage(values.email, t),
      password: values.password ? undefined : t("passwordMissing"),
    }),
    onSubmit: ({ email, password }) => onSubmit({ email: email.trim(), password, remember }),
  });
  const email = field("email");
  const password = field("password");
  return (
    <form {...form} className="flex flex-col gap-4">
      <SignInProblem error={problem} />
      <Field label={t("email")} error={email.error}>
        <Input
          {...email.control}
          type="email"
          name="email"
          autoComplete="username webauthn"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
        />
      </Field>
      <Field label={t("password")} error={password.error}>
        <PasswordInput {...password.control} name="password" autoComplete="current-password" />
      </Field>
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <Checkbox label={t("remember")} checked={remember} onChange={setRemember} />
        {canReset ? (
          <Link to="/forgot" className={textLinkClass}>
            {t("forgot")}
          </Link>
        ) : null}
      </div>
      <Button type="submit" variant="primary" size="lg" busy={busy} disabled={wait > 0} className="mt-1 w-full">
        {t("signIn")}
      </Button>
    </form>
  );
}

/** A right password for an account that cannot be used yet deserves the reason. */
function SignInProblem({ error }: { error: unknown }) {
  const t = useTexts(authTexts);
  if (error instanceof Problem && error.code === "auth.not_active") {
    const state = error.extra("state");
    if (state === "unverified" || state === "waiting" || state === "suspended") {
      return <Notice tone="brass">{t(state)}</Notice>;
    }
  }
  return <FormProblem error={error} fields={["email", "password"]} />;
}
