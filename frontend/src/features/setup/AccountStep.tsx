import { LockKeyhole } from "lucide-react";
import { type Language, languageNames, setLocale, useLocale } from "@/shared/i18n/locale";
import { currencyOptions, timeZoneOptions } from "@/shared/i18n/regions";
import { useTexts } from "@/shared/i18n/texts";
import { useChangeSettings } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Combobox } from "@/shared/ui/combobox";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Icon } from "@/shared/ui/icons";
import { Input, PasswordInput } from "@/shared/ui/input";
import { Select } from "@/shared/ui/select";
import { useForm } from "@/shared/ui/use-form";
import { type StepProps, StepSheet } from "./SetupScreen";
import { setupTexts } from "./texts";

const LEAST_PASSWORD_CHARACTERS = 10;
const languages = Object.entries(languageNames).map(([value, label]) => ({ value: value as Language, label }));

export function AccountStep({ me, kind, draft, keep, next, problem }: StepProps) {
  const t = useTexts(setupTexts);
  const locale = useLocale();
  const change = useChangeSettings();
  const isSingle = kind === "single";
  const emailMessage = (email: string, password: string) => {
    if (!email.trim()) {
      if (!isSingle) return t("emailMissing");
      return password ? t("emailForPassword") : undefined;
    }
    return /^[^\s@]+@[^\s@]+$/.test(email.trim()) ? undefined : t("emailWrong");
  };
  const passwordMessage = (email: string, password: string) => {
    if (!password && (isSingle || me.has_password)) return undefined;
    if ([...password].length < LEAST_PASSWORD_CHARACTERS)
      return t("passwordShort", { least: LEAST_PASSWORD_CHARACTERS });
    return password.toLowerCase() === email.trim().toLowerCase() ? t("passwordIsEmail") : undefined;
  };
  const { form, field } = useForm({
    initial: { name: draft.name, email: draft.email, password: draft.password },
    problem,
    check: ({ name, email, password }) => ({
      name: name.trim() ? undefined : t("nameMissing"),
      email: emailMessage(email, password),
      password: passwordMessage(email, password),
    }),
    onSubmit: (values) => {
      keep(values);
      next();
    },
  });
  const [name, email, password] = [field("name"), field("email"), field("password")];
  return (
    <StepSheet
      title={t("accountTitle")}
      lead={t("accountLead")}
      form={form}
      note={
        <span className="flex items-start gap-1.5">
          <Icon icon={LockKeyhole} size={15} className="mt-0.5" />
          {t("noteAccount")}
        </span>
      }
      buttons={
        <Button type="submit" variant="primary" size="lg" keys={["Enter"]}>
          {t("next")}
        </Button>
      }
    >
      <FormProblem error={problem} fields={["name", "email", "password"]} className="mb-5" />
      <div className="grid gap-x-5 gap-y-5 md:grid-cols-2">
        <Field label={t("name")} help={t("nameHelp")} error={name.error}>
          <Input {...name.control} name="name" autoComplete="name" autoFocus />
        </Field>
        <Field label={t("email")} optional={isSingle} help={t("emailHelp")} error={email.error}>
          <Input
            {...email.control}
            type="email"
            name="email"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
          />
        </Field>
        {me.has_password ? null : (
          <Field
            label={t("password")}
            optional={isSingle}
            help={isSingle ? t("passwordSingle") : t("passwordRule")}
            error={password.error}
            className="md:col-span-2"
          >
            <PasswordInput {...password.control} name="password" autoComplete="new-password" />
          </Field>
        )}
      </div>
      <div className="mt-6 grid gap-x-5 gap-y-5 border-t border-border-soft pt-6 md:grid-cols-3">
        <Field label={t("language")}>
          <Select
            options={languages}
            value={locale.language}
            onChange={(language) => {
              setLocale({ language });
              change.mutate({ language });
            }}
          />
        </Field>
        <Field label={t("timezone")}>
          <Combobox
            options={timeZoneOptions(draft.timezone)}
            value={draft.timezone}
            onChange={(timezone) => keep({ timezone })}
          />
        </Field>
        <Field label={t("currency")}>
          <Combobox
            options={currencyOptions(locale.language)}
            value={draft.currency}
            onChange={(currency) => keep({ currency })}
          />
        </Field>
      </div>
    </StepSheet>
  );
}
