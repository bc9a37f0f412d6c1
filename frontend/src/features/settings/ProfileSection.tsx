import { CircleAlert, CircleCheck, Hourglass } from "lucide-react";
import type { ReactNode } from "react";
import { useTexts } from "@/shared/i18n/texts";
import { useInstallation, useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { Avatar, StateMark } from "@/shared/ui/marks";
import { Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { useChangeMe, useResendVerification } from "./api";
import { SettingGroup } from "./parts";
import { settingsTexts } from "./texts";

export function ProfileSection() {
  const { name } = useMe();
  return (
    <>
      {/* Begins anew when the name changed, here by Undo or on another device. */}
      <NameForm key={name} />
      <EmailForm />
    </>
  );
}

function NameForm() {
  const t = useTexts(settingsTexts);
  const me = useMe();
  const change = useChangeMe();
  const { form, field, values, isDirty, reset } = useForm({
    initial: { name: me.name },
    draft: "profile.name",
    problem: change.error,
    check: ({ name }) => ({ name: name.trim() ? undefined : t("nameMissing") }),
    onSubmit: ({ name }) => {
      const former = me.name;
      change.mutate(
        { name: name.trim() },
        {
          onSuccess: () => {
            reset();
            toast({ text: t("nameSaved", { name: name.trim() }), undo: () => change.mutateAsync({ name: former }) });
          },
        },
      );
    },
  });
  const name = field("name");
  return (
    <SettingGroup id="name" lead={t("nameLead")}>
      <form {...form} className="flex max-w-[38.5rem] items-start gap-4">
        <Avatar initials={me.initials} size={56} look="self" className="mt-[1.625rem] @max-xl:hidden" />
        <div className="flex min-w-0 grow flex-col gap-3">
          <FormProblem error={change.error} fields={["name"]} />
          <Field label={t("name")} help={t("initialsHelp", { initials: me.initials })} error={name.error}>
            <Input {...name.control} name="name" autoComplete="name" />
          </Field>
          <div>
            <Button type="submit" busy={change.isPending} disabled={!isDirty || values.name.trim() === me.name}>
              {t("save")}
            </Button>
          </div>
        </div>
      </form>
    </SettingGroup>
  );
}

function AddressLine({ address, children }: { address: string; children: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1 py-2.5 [&+&]:border-t [&+&]:border-border-soft">
      <span className="min-w-0 grow font-medium break-all">{address}</span>
      {children}
    </div>
  );
}

function EmailForm() {
  const t = useTexts(settingsTexts);
  const resend = useResendVerification();
  const me = useMe();
  const { data: installation } = useInstallation();
  const change = useChangeMe();
  const { form, field, values, reset } = useForm({
    initial: { email: "" },
    draft: "profile.email",
    problem: change.error,
    check: ({ email }) => ({ email: /^[^\s@]+@[^\s@]+$/.test(email.trim()) ? undefined : t("emailWrong") }),
    onSubmit: ({ email }) => {
      resend.reset();
      change.mutate({ email: email.trim() }, { onSuccess: () => reset({ email: "" }) });
    },
  });
  const email = field("email");
  const resendButton = (
    <Button size="sm" busy={resend.isPending} onClick={() => resend.mutate()}>
      {t("emailResend")}
    </Button>
  );
  return (
    <SettingGroup id="email" lead={t("emailLead")}>
      <div className="max-w-[38.5rem]">
        <div className="border-y border-border-soft">
          {me.email ? (
            <AddressLine address={me.email}>
              {me.email_verified ? (
                <StateMark icon={CircleCheck}>{t("emailVerified")}</StateMark>
              ) : (
                <StateMark tone="brass" icon={CircleAlert}>
                  {t("emailUnverified")}
                </StateMark>
              )}
              {me.email_verified || me.pending_email ? null : resendButton}
            </AddressLine>
          ) : (
            <p className="py-2.5 text-muted-foreground">{t("emailNone")}</p>
          )}
          {me.pending_email ? (
            <AddressLine address={me.pending_email}>
              <StateMark tone="brass" icon={Hourglass}>
                {t("emailPending")}
              </StateMark>
              {resendButton}
            </AddressLine>
          ) : null}
        </div>
        <FormProblem error={resend.error} className="mt-4" />
        {resend.isSuccess ? (
          <div role="status">
            <Notice className="mt-4" icon={CircleCheck}>
              {t("emailResent")} {installation && !installation.mail_configured ? t("emailShown") : null}
            </Notice>
          </div>
        ) : change.isSuccess && !values.email ? (
          <div role="status">
            <Notice className="mt-4" icon={CircleCheck}>
              {t("emailSent", { email: change.variables.email ?? "" })}{" "}
              {installation && !installation.mail_configured ? t("emailShown") : null}
            </Notice>
          </div>
        ) : null}
        <form {...form} className="mt-4 flex flex-col gap-3">
          <FormProblem error={change.error} fields={["email"]} />
          <Field label={t("emailNew")} help={t("emailNewHelp")} error={email.error}>
            <Input
              {...email.control}
              type="email"
              name="email"
              autoComplete="email"
              autoCapitalize="none"
              spellCheck={false}
            />
          </Field>
          <div>
            <Button type="submit" busy={change.isPending} disabled={!values.email.trim()}>
              {t("emailSend")}
            </Button>
          </div>
        </form>
      </div>
    </SettingGroup>
  );
}
