import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useInstallation, useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { RadioGroup } from "@/shared/ui/choice";
import { CopyButton } from "@/shared/ui/copy-button";
import { AlertDialog, Dialog } from "@/shared/ui/dialog";
import { Field, FieldGroup } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input, PasswordInput, Textarea } from "@/shared/ui/input";
import { Select } from "@/shared/ui/select";
import { Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { roleText } from "../parts";
import { adminTexts } from "../texts";
import {
  type Role,
  roles,
  type User,
  useChangeUser,
  useCreateUser,
  useDeleteUser,
  useEndSessions,
  useResetLink,
  useRestore,
  useSuspend,
} from "./api";
import { gigabytes, isGigabytes, toBytes } from "./quota";
import { usersTexts } from "./texts";

const emailShape = /^[^\s@]+@[^\s@]+$/;

/** A secret address, shown once. */
export function SecretLink({ url }: { url: string }) {
  const t = useTexts(usersTexts);
  return (
    <div>
      <p className="rounded-sm border border-border bg-sunken px-3 py-2 font-mono text-xs break-all select-all">
        {url}
      </p>
      <div className="mt-3 flex flex-wrap items-center gap-3">
        <CopyButton text={url} label={t("copyLink")} withWord />
        <span className="text-muted-foreground">{t("linkOnce")}</span>
      </div>
    </div>
  );
}

export function LinkDialog({ name, url, onClose }: { name: string; url: string; onClose: () => void }) {
  const t = useTexts(usersTexts);
  const { data: installation } = useInstallation();
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("inviteLinkTitle", { name })}
      description={installation?.mail_configured ? t("inviteLinkMailed") : t("inviteLinkText")}
      footer={<Button onClick={onClose}>{t("done")}</Button>}
    >
      <SecretLink url={url} />
    </Dialog>
  );
}

function useRoleOptions() {
  const a = useTexts(adminTexts);
  const me = useMe();
  return roles
    .filter((role) => me.role === "admin" || role === "user")
    .map((role) => ({ value: role, label: roleText(a, role) }));
}

function useLanguageOptions() {
  const a = useTexts(adminTexts);
  return [
    { value: "de", label: a("german") },
    { value: "en", label: a("english") },
  ] as const;
}

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const t = useTexts(usersTexts);
  const a = useTexts(adminTexts);
  const me = useMe();
  const locale = useLocale();
  const create = useCreateUser();
  const [way, setWay] = useState<"invite" | "password">("invite");
  const [role, setRole] = useState<Role>("user");
  const [language, setLanguage] = useState<"de" | "en">(locale.language);
  const roleOptions = useRoleOptions();
  const languageOptions = useLanguageOptions();
  const { form, field } = useForm({
    initial: { name: "", email: "", password: "" },
    problem: create.error,
    check: ({ name, email, password }) => ({
      name: name.trim() ? undefined : t("nameMissing"),
      email: emailShape.test(email.trim()) ? undefined : t("emailWrong"),
      password: way === "invite" || password.length >= 10 ? undefined : t("passwordShort"),
    }),
    onSubmit: ({ name, email, password }) =>
      create.mutate(
        {
          name: name.trim(),
          email: email.trim(),
          role,
          language,
          ...(way === "invite" ? { invite: true } : { password, invite: false }),
        },
        {
          onSuccess: (user) => {
            if (way === "invite" && user.invite_url) return;
            toast({ text: t(way === "invite" ? "invited" : "created", { name: user.name }) });
            onClose();
          },
        },
      ),
  });
  if (create.data?.invite_url) {
    return <LinkDialog name={create.data.name} url={create.data.invite_url} onClose={onClose} />;
  }
  const [name, email, password] = [field("name"), field("email"), field("password")];
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("inviteTitle")}
      description={way === "invite" ? t("inviteText") : undefined}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {a("cancel")}
          </Button>
          <Button type="submit" form="invite" variant="primary" busy={create.isPending}>
            {way === "invite" ? t("inviteSend") : t("create")}
          </Button>
        </>
      }
    >
      <form {...form} id="invite" className="flex flex-col gap-4">
        <FormProblem error={create.error} fields={["name", "email", "password"]} />
        <Field label={t("name")} error={name.error}>
          <Input {...name.control} autoComplete="off" />
        </Field>
        <Field label={t("email")} error={email.error}>
          <Input {...email.control} type="email" autoComplete="off" autoCapitalize="none" spellCheck={false} />
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          {roleOptions.length > 1 ? (
            <Field label={t("role")}>
              <Select options={roleOptions} value={role} onChange={setRole} />
            </Field>
          ) : null}
          <Field label={t("language")}>
            <Select options={languageOptions} value={language} onChange={setLanguage} />
          </Field>
        </div>
        {me.role === "admin" ? (
          <FieldGroup legend={t("how")}>
            <RadioGroup
              label={t("how")}
              value={way}
              onChange={setWay}
              options={[
                { value: "invite", label: t("byInvite"), help: t("byInviteHelp") },
                { value: "password", label: t("byPassword"), help: t("byPasswordHelp") },
              ]}
            />
          </FieldGroup>
        ) : null}
        {way === "password" ? (
          <Field label={t("password")} error={password.error}>
            <PasswordInput {...password.control} autoComplete="new-password" />
          </Field>
        ) : null}
      </form>
    </Dialog>
  );
}

/** `user` is the newest state; `opened` what the form began with, whose version is sent until a conflict was shown. */
export function EditDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useTexts(usersTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const change = useChangeUser(user);
  const [opened, setOpened] = useState(user);
  const [role, setRole] = useState<Role>(user.role);
  const [language, setLanguage] = useState(user.language);
  const roleOptions = useRoleOptions();
  const languageOptions = useLanguageOptions();
  const shown = (of: User) => ({
    name: of.name,
    email: of.email ?? "",
    quota: of.quota_bytes === null ? "" : gigabytes(of.quota_bytes, locale),
  });
  const isStale = isProblem(change.error, "http.stale");
  const { form, field, values, isDirty, reset } = useForm({
    initial: shown(opened),
    problem: isStale ? null : change.error,
    serverNames: { quota: "quota_bytes" },
    check: ({ name, email, quota }) => ({
      name: name.trim() ? undefined : t("nameMissing"),
      email: (!email.trim() && !user.email) || emailShape.test(email.trim()) ? undefined : t("emailWrong"),
      quota: isGigabytes(quota) ? undefined : t("quotaWrong"),
    }),
    onSubmit: ({ name, email, quota }) => {
      const before = shown(opened);
      change.mutate(
        {
          // After a conflict the second try is meant: it is based on what is shown now.
          version: isStale ? user.version : opened.version,
          ...(name !== before.name ? { name: name.trim() } : {}),
          ...(email.trim() && email !== before.email ? { email: email.trim() } : {}),
          ...(role !== opened.role ? { role } : {}),
          ...(language !== opened.language ? { language } : {}),
          ...(quota !== before.quota ? { quota_bytes: toBytes(quota) } : {}),
        },
        {
          onSuccess: (changed) => {
            toast({ text: t("changed", { name: changed.name }) });
            onClose();
          },
        },
      );
    },
  });
  const takeCurrent = () => {
    setOpened(user);
    reset(shown(user));
    setRole(user.role);
    setLanguage(user.language);
    change.reset();
  };
  const [name, email, quota] = [field("name"), field("email"), field("quota")];
  const now = shown(user);
  const nowText = (current: string, typed: string) =>
    isStale && current !== typed ? t("staleNow", { value: current || "–" }) : undefined;
  const changedAtAll = isDirty || role !== opened.role || language !== opened.language;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("editTitle", { name: opened.name })}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {a("cancel")}
          </Button>
          <Button type="submit" form="edit-person" variant="primary" busy={change.isPending} disabled={!changedAtAll}>
            {a("save")}
          </Button>
        </>
      }
    >
      <form {...form} id="edit-person" className="flex flex-col gap-4">
        {isStale ? (
          <Notice
            tone="brass"
            title={a("staleHere")}
            action={
              <Button size="sm" onClick={takeCurrent}>
                {t("takeCurrent")}
              </Button>
            }
          >
            {t("staleText")}
          </Notice>
        ) : (
          <FormProblem error={change.error} fields={["name", "email", "quota_bytes"]} />
        )}
        <Field label={t("name")} error={name.error} help={nowText(now.name, values.name)}>
          <Input {...name.control} autoComplete="off" />
        </Field>
        <Field label={t("email")} error={email.error} help={nowText(now.email, values.email) ?? t("emailHelp")}>
          <Input {...email.control} type="email" autoComplete="off" autoCapitalize="none" spellCheck={false} />
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t("role")} help={nowText(roleText(a, user.role), roleText(a, role))}>
            <Select options={roleOptions} value={role} onChange={setRole} />
          </Field>
          <Field label={t("language")}>
            <Select options={languageOptions} value={language} onChange={setLanguage} />
          </Field>
        </div>
        <Field
          label={t("quota")}
          error={quota.error}
          help={nowText(now.quota, values.quota) ?? t("quotaHelp")}
          optional
        >
          <Input
            {...quota.control}
            inputMode="decimal"
            autoComplete="off"
            suffix={<span className="pr-1.5">GB</span>}
          />
        </Field>
      </form>
    </Dialog>
  );
}

export function SuspendDialog({ users, onClose }: { users: readonly User[]; onClose: () => void }) {
  const t = useTexts(usersTexts);
  const a = useTexts(adminTexts);
  const suspend = useSuspend();
  const restore = useRestore();
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<{ error: unknown; count: number } | null>(null);
  const [left, setLeft] = useState(users);
  const [first] = users;
  const tooLong = reason.trim().length > 500;
  const submit = async () => {
    if (tooLong || busy) return;
    setBusy(true);
    const done: User[] = [];
    const refused: User[] = [];
    let error: unknown = null;
    for (const user of left) {
      try {
        await suspend.mutateAsync({ id: user.id, reason: reason.trim() || null });
        done.push(user);
      } catch (reasonOfFailure) {
        refused.push(user);
        error = reasonOfFailure;
      }
    }
    setBusy(false);
    if (done.length > 0) {
      const text =
        done.length === 1 && done[0]
          ? t("suspended", { name: done[0].name })
          : t("manySuspended", { count: done.length });
      toast({ text, undo: () => Promise.all(done.map((user) => restore.mutateAsync(user.id))) });
    }
    if (refused.length === 0) onClose();
    else {
      setFailed({ error, count: left.length });
      setLeft(refused);
    }
  };
  if (!first) return null;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={
        users.length === 1 ? t("suspendTitle", { name: first.name }) : t("suspendManyTitle", { count: users.length })
      }
      description={t("suspendText")}
      width="sm"
      onSubmit={() => void submit()}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {a("cancel")}
          </Button>
          <Button type="submit" variant="primary" busy={busy}>
            {t("suspend")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        {failed && failed.count > 1 ? (
          <p className="font-medium">{t("someFailed", { failed: left.length, count: failed.count })}</p>
        ) : null}
        <FormProblem error={failed?.error} />
        {users.length > 1 ? <p className="text-muted-foreground">{left.map((user) => user.name).join(", ")}</p> : null}
        <Field label={t("reason")} help={t("reasonHelp")} optional error={tooLong ? t("reasonTooLong") : undefined}>
          <Textarea value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
      </div>
    </Dialog>
  );
}

export function ResetLinkDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useTexts(usersTexts);
  const a = useTexts(adminTexts);
  const make = useResetLink();
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("resetTitle")}
      description={t("resetText", { name: user.name })}
      onSubmit={make.data ? undefined : () => make.mutate(user.id)}
      footer={
        make.data ? (
          <Button onClick={onClose}>{t("done")}</Button>
        ) : (
          <>
            <Button variant="ghost" onClick={onClose}>
              {a("cancel")}
            </Button>
            <Button type="submit" variant="primary" busy={make.isPending}>
              {t("resetMake")}
            </Button>
          </>
        )
      }
    >
      <FormProblem error={make.error} />
      {make.data ? <SecretLink url={make.data.url} /> : null}
    </Dialog>
  );
}

export function EndSessionsDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useTexts(usersTexts);
  const end = useEndSessions();
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("endTitle", { name: user.name })}
      description={t("endText", { count: user.sessions })}
      action={t("endSessions")}
      destructive={false}
      busy={end.isPending}
      onConfirm={() =>
        end.mutate(user.id, {
          onSuccess: ({ ended }) => {
            toast({ text: t("ended", { count: ended }) });
            onClose();
          },
        })
      }
    >
      <FormProblem error={end.error} />
    </AlertDialog>
  );
}

export function DeleteDialog({ user, onClose, onDeleted }: { user: User; onClose: () => void; onDeleted: () => void }) {
  const t = useTexts(usersTexts);
  const remove = useDeleteUser(user);
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("deleteTitle", { name: user.name })}
      description={t("deleteText")}
      action={t("remove")}
      typeName={user.name}
      busy={remove.isPending}
      onConfirm={() =>
        remove.mutate(undefined, {
          onSuccess: () => {
            toast({ text: t("deleted", { name: user.name }) });
            onDeleted();
            onClose();
          },
        })
      }
    >
      <FormProblem error={remove.error} />
    </AlertDialog>
  );
}
