import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { isProblem } from "@/shared/api/problem";
import { useWait } from "@/shared/api/use-wait";
import { Link } from "@/shared/frame/link";
import { formatDate } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { installationQuery, meQuery } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input, PasswordInput } from "@/shared/ui/input";
import { PRODUCT_NAME } from "@/shared/ui/logo";
import { ErrorState, Notice } from "@/shared/ui/states";
import { useForm } from "@/shared/ui/use-form";
import { type Invite, inviteQuery, useAcceptInvite } from "./api";
import { EntrancePage, FormSkeleton, useEnter } from "./parts";
import { passwordMessage } from "./rules";
import { authTexts } from "./texts";

const isDead = (error: unknown) =>
  isProblem(error, "auth.invalid_link") || (isProblem(error) && (error.status === 404 || error.status === 410));

export default function InviteScreen() {
  const t = useTexts(authTexts);
  const { token = "" }: { token?: string } = useParams({ strict: false });
  const invite = useQuery(inviteQuery(token));
  const installation = useQuery(installationQuery);
  const accept = useAcceptInvite(token);
  const title = t("inviteTitle", { name: installation.data?.name ?? PRODUCT_NAME });

  if (isDead(invite.error) || isDead(accept.error)) {
    return (
      <EntrancePage title={t("inviteFailed")} lead={<span role="alert">{t("inviteFailedText")}</span>}>
        <Button size="lg" render={<Link to="/login" />}>
          {t("toSignIn")}
        </Button>
      </EntrancePage>
    );
  }
  if (!invite.data) {
    return (
      <EntrancePage title={title}>
        {invite.isError ? (
          <ErrorState error={invite.error} onRetry={() => void invite.refetch()} className="pt-0" />
        ) : (
          <FormSkeleton />
        )}
      </EntrancePage>
    );
  }
  return (
    <EntrancePage title={title} lead={<InviteLead invite={invite.data} />}>
      <JoinForm invite={invite.data} accept={accept} />
    </EntrancePage>
  );
}

function InviteLead({ invite }: { invite: Invite }) {
  const t = useTexts(authTexts);
  const locale = useLocale();
  return (
    <>
      {invite.email ? t("inviteLead", { email: invite.email }) : t("inviteLeadNoMail")}{" "}
      {t("inviteUntil", { date: formatDate(invite.expires_at, locale) })}
    </>
  );
}

function JoinForm({ invite, accept }: { invite: Invite; accept: ReturnType<typeof useAcceptInvite> }) {
  const t = useTexts(authTexts);
  const { language } = useLocale();
  const me = useQuery(meQuery);
  const enter = useEnter();
  const wait = useWait(accept.error);
  const { form, field } = useForm({
    initial: { name: invite.name ?? "", password: "" },
    problem: accept.error,
    check: (values) => ({
      name: values.name.trim() ? undefined : t("nameMissing"),
      password: passwordMessage(values.password, invite.email, t),
    }),
    onSubmit: ({ name, password }) =>
      accept.mutate({ name: name.trim(), password, language }, { onSuccess: (answer) => enter(answer.me) }),
  });
  const [name, password] = [field("name"), field("password")];
  return (
    <form {...form} className="flex flex-col gap-4">
      {me.data && !accept.isSuccess ? <Notice>{t("signedInAs", { name: me.data.name })}</Notice> : null}
      <FormProblem error={accept.error} fields={["name", "password"]} />
      {/* Lets password managers file the new password under the right account. */}
      <input type="text" name="username" autoComplete="username" value={invite.email ?? ""} readOnly hidden />
      <Field label={t("name")} help={t("nameHelp")} error={name.error}>
        <Input {...name.control} name="name" autoComplete="name" autoFocus={!invite.name} />
      </Field>
      <Field label={t("password")} help={t("passwordRule")} error={password.error}>
        <PasswordInput
          {...password.control}
          name="password"
          autoComplete="new-password"
          autoFocus={Boolean(invite.name)}
        />
      </Field>
      <Button
        type="submit"
        variant="primary"
        size="lg"
        busy={accept.isPending || accept.isSuccess}
        disabled={wait > 0}
        className="mt-1 w-full"
      >
        {t("inviteButton")}
      </Button>
    </form>
  );
}
