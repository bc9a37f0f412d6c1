import { CircleAlert, CircleCheck } from "lucide-react";
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
import { useChangeMe } from "./api";
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

function EmailForm() {
  const t = useTexts(settingsTexts);
  const me = useMe();
  const { data: installation } = useInstallation();
  const change = useChangeMe();
  const { form, field, values, reset } = useForm({
    initial: { email: "" },
    draft: "profile.email",
    problem: change.error,
    check: ({ email }) => ({ email: /^[^\s@]+@[^\s@]+$/.test(email.trim()) ? undefined : t("emailWrong") }),
    onSubmit: ({ email }) => change.mutate({ email: email.trim() }, { onSuccess: () => reset({ email: "" }) }),
  });
  const email = field("email");
  return (
    <SettingGroup id="email" lead={t("emailLead")}>
      <div className="max-w-[38.5rem]">
        <p className="flex flex-wrap items-center gap-x-4 gap-y-1 border-y border-border-soft py-2.5">
          {me.email ? (
            <>
              <span className="min-w-0 grow font-medium break-all">{me.email}</span>
              {me.email_verified ? (
                <StateMark icon={CircleCheck}>{t("emailVerified")}</StateMark>
              ) : (
                <StateMark tone="brass" icon={CircleAlert}>
                  {t("emailUnverified")}
                </StateMark>
              )}
            </>
          ) : (
            <span className="text-muted-foreground">{t("emailNone")}</span>
          )}
        </p>
        {change.isSuccess && !values.email ? (
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
