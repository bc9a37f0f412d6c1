import { useParams } from "@tanstack/react-router";
import { isProblem } from "@/shared/api/problem";
import { useWait } from "@/shared/api/use-wait";
import { Link } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { PasswordInput } from "@/shared/ui/input";
import { useForm } from "@/shared/ui/use-form";
import { useResetPassword } from "./api";
import { EntrancePage } from "./parts";
import { passwordMessage } from "./rules";
import { authTexts } from "./texts";

export default function ResetScreen() {
  const t = useTexts(authTexts);
  const { token = "" }: { token?: string } = useParams({ strict: false });
  const reset = useResetPassword();
  const wait = useWait(reset.error);
  const { form, field } = useForm({
    initial: { password: "" },
    problem: reset.error,
    check: ({ password }) => ({ password: passwordMessage(password, null, t) }),
    onSubmit: ({ password }) => reset.mutate({ token, password }),
  });
  const password = field("password");

  if (reset.isSuccess) {
    return (
      <EntrancePage title={t("resetDone")} lead={<span role="status">{t("resetDoneText")}</span>}>
        <Button variant="primary" size="lg" render={<Link to="/login" />}>
          {t("toSignIn")}
        </Button>
      </EntrancePage>
    );
  }
  if (isProblem(reset.error, "auth.invalid_link")) {
    return (
      <EntrancePage title={t("resetFailed")} lead={<span role="alert">{t("resetFailedText")}</span>}>
        <Button variant="primary" size="lg" render={<Link to="/forgot" />}>
          {t("askNewLink")}
        </Button>
      </EntrancePage>
    );
  }
  return (
    <EntrancePage title={t("resetTitle")} lead={t("resetLead")}>
      <form {...form} className="flex flex-col gap-4">
        <FormProblem error={reset.error} fields={["password"]} />
        <Field label={t("newPassword")} help={t("passwordRule")} error={password.error}>
          <PasswordInput {...password.control} name="password" autoComplete="new-password" autoFocus />
        </Field>
        <Button type="submit" variant="primary" size="lg" busy={reset.isPending} disabled={wait > 0} className="w-full">
          {t("resetButton")}
        </Button>
      </form>
    </EntrancePage>
  );
}
