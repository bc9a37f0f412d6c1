import { useQuery } from "@tanstack/react-query";
import { isProblem } from "@/shared/api/problem";
import { useWait } from "@/shared/api/use-wait";
import { inTextLinkClass, Link } from "@/shared/frame/link";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { installationQuery } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input, PasswordInput } from "@/shared/ui/input";
import { ErrorState, Notice } from "@/shared/ui/states";
import { useForm } from "@/shared/ui/use-form";
import { useRegister } from "./api";
import { EntrancePage, FormSkeleton } from "./parts";
import { emailMessage, passwordMessage } from "./rules";
import { authTexts } from "./texts";

export default function RegisterScreen() {
  const t = useTexts(authTexts);
  const installation = useQuery(installationQuery);
  const register = useRegister();
  const here = installation.data;

  if (!here) {
    return (
      <EntrancePage title={t("registerTitle")}>
        {installation.isError ? (
          <ErrorState error={installation.error} onRetry={() => void installation.refetch()} className="pt-0" />
        ) : (
          <FormSkeleton fields={3} />
        )}
      </EntrancePage>
    );
  }
  if (
    here.kind === "single" ||
    here.registration === "closed" ||
    isProblem(register.error, "auth.registration_closed")
  ) {
    return (
      <EntrancePage title={t("registerClosed")} lead={t("registerClosedText")}>
        <Button size="lg" render={<Link to="/login" />}>
          {t("toSignIn")}
        </Button>
      </EntrancePage>
    );
  }
  if (register.data) {
    return (
      <CheckMail
        email={register.variables.email}
        needsApproval={register.data.state === "approval"}
        hasMail={here.mail_configured}
        onAgain={register.reset}
      />
    );
  }
  return (
    <EntrancePage
      title={t("registerTitle")}
      lead={here.registration === "approval" ? t("registerApproval") : undefined}
    >
      <RegisterForm register={register} />
      <p className="mt-6 text-muted-foreground">
        {t("haveAccount")}{" "}
        <Link to="/login" className={inTextLinkClass}>
          {t("signIn")}
        </Link>
      </p>
    </EntrancePage>
  );
}

function RegisterForm({ register }: { register: ReturnType<typeof useRegister> }) {
  const t = useTexts(authTexts);
  const { language } = useLocale();
  const wait = useWait(register.error);
  const { form, field } = useForm({
    initial: { name: "", email: "", password: "" },
    problem: register.error,
    check: (values) => ({
      name: values.name.trim() ? undefined : t("nameMissing"),
      email: emailMessage(values.email, t),
      password: passwordMessage(values.password, values.email, t),
    }),
    onSubmit: ({ name, email, password }) =>
      register.mutate({ name: name.trim(), email: email.trim(), password, language }),
  });
  const [name, email, password] = [field("name"), field("email"), field("password")];
  return (
    <form {...form} className="flex flex-col gap-4">
      <FormProblem error={register.error} fields={["name", "email", "password"]} />
      <Field label={t("name")} help={t("nameHelp")} error={name.error}>
        <Input {...name.control} name="name" autoComplete="name" autoFocus />
      </Field>
      <Field label={t("email")} error={email.error}>
        <Input
          {...email.control}
          type="email"
          name="email"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
        />
      </Field>
      <Field label={t("password")} help={t("passwordRule")} error={password.error}>
        <PasswordInput {...password.control} name="password" autoComplete="new-password" />
      </Field>
      <Button
        type="submit"
        variant="primary"
        size="lg"
        busy={register.isPending}
        disabled={wait > 0}
        className="mt-1 w-full"
      >
        {t("register")}
      </Button>
    </form>
  );
}

/** The same words for every address: whether it is known here is nobody's business. */
function CheckMail({
  email,
  needsApproval,
  hasMail,
  onAgain,
}: {
  email: string;
  needsApproval: boolean;
  hasMail: boolean;
  onAgain: () => void;
}) {
  const t = useTexts(authTexts);
  return (
    <EntrancePage title={t("checkMail")}>
      <div role="status" className="flex flex-col gap-3 text-md break-words">
        <p>{t("checkMailText", { email })}</p>
        {needsApproval ? <p>{t("checkMailApproval")}</p> : null}
      </div>
      {hasMail ? (
        <p className="mt-3 text-muted-foreground">{t("notThere")}</p>
      ) : (
        <Notice className="mt-4">{t("noMailText")}</Notice>
      )}
      <div className="mt-6 flex flex-wrap gap-2">
        <Button size="lg" render={<Link to="/login" />}>
          {t("toSignIn")}
        </Button>
        <Button size="lg" variant="ghost" onClick={onAgain}>
          {t("otherAddress")}
        </Button>
      </div>
    </EntrancePage>
  );
}
