import { useQuery } from "@tanstack/react-query";
import { useWait } from "@/shared/api/use-wait";
import { Link, textLinkClass } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { installationQuery } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { Notice } from "@/shared/ui/states";
import { useForm } from "@/shared/ui/use-form";
import { useForgotPassword } from "./api";
import { EntrancePage } from "./parts";
import { emailMessage } from "./rules";
import { authTexts } from "./texts";

export default function ForgotScreen() {
  const t = useTexts(authTexts);
  const { data: here } = useQuery(installationQuery);
  const forgot = useForgotPassword();
  const wait = useWait(forgot.error);
  const { form, field } = useForm({
    initial: { email: "" },
    problem: forgot.error,
    check: ({ email }) => ({ email: emailMessage(email, t) }),
    onSubmit: ({ email }) => forgot.mutate(email.trim()),
  });
  const email = field("email");

  if (forgot.isSuccess) {
    return (
      <EntrancePage title={t("checkMail")}>
        <p role="status" className="text-md break-words">
          {t("forgotSent", { email: forgot.variables })}
        </p>
        {here && !here.mail_configured ? (
          <Notice className="mt-4">{t("noMailText")}</Notice>
        ) : (
          <p className="mt-3 text-muted-foreground">{t("notThere")}</p>
        )}
        <div className="mt-6 flex flex-wrap gap-2">
          <Button size="lg" render={<Link to="/login" />}>
            {t("backToSignIn")}
          </Button>
          <Button size="lg" variant="ghost" onClick={() => forgot.reset()}>
            {t("otherAddress")}
          </Button>
        </div>
      </EntrancePage>
    );
  }
  return (
    <EntrancePage title={t("forgotTitle")} lead={t("forgotLead")}>
      <form {...form} className="flex flex-col gap-4">
        <FormProblem error={forgot.error} fields={["email"]} />
        <Field label={t("email")} error={email.error}>
          <Input
            {...email.control}
            type="email"
            name="email"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
          />
        </Field>
        <Button
          type="submit"
          variant="primary"
          size="lg"
          busy={forgot.isPending}
          disabled={wait > 0}
          className="w-full"
        >
          {t("sendLink")}
        </Button>
      </form>
      <p className="mt-6">
        <Link to="/login" className={textLinkClass}>
          {t("backToSignIn")}
        </Link>
      </p>
    </EntrancePage>
  );
}
