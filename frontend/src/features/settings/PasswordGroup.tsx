import { useState } from "react";
import { useWait } from "@/shared/api/use-wait";
import { inTextLinkClass, Link } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { useInstallation, useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { PasswordInput } from "@/shared/ui/input";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { useChangePassword } from "./api";
import { SettingGroup } from "./parts";
import { settingsTexts } from "./texts";

const LEAST_PASSWORD_CHARACTERS = 10;

export function PasswordGroup() {
  const t = useTexts(settingsTexts);
  const me = useMe();
  const { data: installation } = useInstallation();
  const [isOpen, setOpen] = useState(false);
  const lead = me.has_password
    ? t("passwordIsSet")
    : installation?.kind === "single"
      ? t("passwordNoneSingle")
      : t("passwordNone");
  return (
    <SettingGroup
      id="password"
      lead={lead}
      actions={
        isOpen ? null : (
          <Button onClick={() => setOpen(true)}>{me.has_password ? t("passwordChange") : t("passwordSet")}</Button>
        )
      }
    >
      {!me.has_password && !me.email ? (
        <p className="text-muted-foreground">
          {t("passwordNeedsEmail")}{" "}
          <Link to="/settings/profile" hash="email" className={inTextLinkClass}>
            {t("toEmail")}
          </Link>
        </p>
      ) : null}
      {isOpen ? <PasswordForm onClose={() => setOpen(false)} /> : null}
    </SettingGroup>
  );
}

function PasswordForm({ onClose }: { onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const me = useMe();
  const change = useChangePassword();
  const wait = useWait(change.error);
  const { form, field } = useForm({
    initial: { current: "", next: "" },
    problem: change.error,
    serverNames: { current: "current_password", next: "new_password" },
    told: (name, code) => (name === "current" && code === "wrong" ? t("passwordWrong") : undefined),
    check: ({ current, next }) => ({
      current: me.has_password && !current ? t("passwordMissing") : undefined,
      next:
        [...next].length < LEAST_PASSWORD_CHARACTERS
          ? t("passwordShort", { least: LEAST_PASSWORD_CHARACTERS })
          : undefined,
    }),
    onSubmit: ({ current, next }) =>
      change.mutate(
        { current_password: me.has_password ? current : null, new_password: next },
        {
          onSuccess: () => {
            toast({ text: t("passwordSaved") });
            onClose();
          },
        },
      ),
  });
  const [current, next] = [field("current"), field("next")];
  return (
    <form {...form} className="flex max-w-96 flex-col gap-4 rounded-md bg-sunken p-4">
      <FormProblem error={change.error} fields={["current_password", "new_password"]} />
      <input type="text" name="username" autoComplete="username" value={me.email ?? ""} readOnly hidden />
      {me.has_password ? (
        <Field label={t("passwordCurrent")} error={current.error}>
          <PasswordInput {...current.control} name="current" autoComplete="current-password" autoFocus />
        </Field>
      ) : null}
      <Field label={t("passwordNew")} help={t("passwordRule")} error={next.error}>
        <PasswordInput {...next.control} name="new" autoComplete="new-password" autoFocus={!me.has_password} />
      </Field>
      <p className="text-xs text-muted-foreground">{t("passwordEnds")}</p>
      <div className="flex gap-2">
        <Button type="submit" variant="primary" busy={change.isPending} disabled={wait > 0}>
          {me.has_password ? t("passwordChange") : t("passwordSet")}
        </Button>
        <Button variant="ghost" onClick={onClose}>
          {t("cancel")}
        </Button>
      </div>
    </form>
  );
}
