import { useQueries, useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useState } from "react";
import { api, ifMatch, read } from "../api/client";
import { inTextLinkClass, Link } from "../frame/link";
import { formatDate } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { useTexts } from "../i18n/texts";
import { useMe } from "../session/queries";
import { Button, IconButton } from "../ui/button";
import { AlertDialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { FormProblem } from "../ui/form-problem";
import { Input } from "../ui/input";
import { Avatar, Badge } from "../ui/marks";
import { Select } from "../ui/select";
import { ErrorState, LoadingBars, ProblemNotice } from "../ui/states";
import { toast } from "../ui/toast";
import { useForm } from "../ui/use-form";
import {
  deeds,
  foldersQuery,
  mayOwn,
  parentOf,
  type Share,
  type ShareRole,
  sharesQuery,
  type Thing,
  useDeed,
} from "./api";
import { pathTo } from "./folders";
import { thingTexts } from "./texts";

const states: readonly Share["state"][] = ["accepted", "pending", "declined"];
const roles = ["viewer", "editor"] as const satisfies readonly ShareRole[];

export const ofThing = (thing: Thing) =>
  thing.sort === "project" ? { project_id: thing.id } : { folder_id: thing.id };

/** Two letters for somebody of whom there may only be an address. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s@._-]+/).filter(Boolean);
  return ((words[0]?.[0] ?? "?") + (words.length > 1 ? (words[1]?.[0] ?? "") : "")).toUpperCase();
}

/** Whom a thing is shared with: by itself, and by what it stands in. Only its owner is told. */
export function useTakingPart(thing: Thing) {
  const { data: folders } = useQuery(foldersQuery);
  const own = useQuery({ ...sharesQuery(ofThing(thing)), enabled: mayOwn(thing) });
  const above = mayOwn(thing) && folders ? pathTo(parentOf(thing), folders).toReversed() : [];
  const through = useQueries({
    queries: above.map((folder) => sharesQuery({ folder_id: folder.id })),
    combine: (answers) => answers.map(({ data = [] }) => data),
  });
  const inherited = above.flatMap((folder, index) =>
    (through[index] ?? []).filter(({ state }) => state === "accepted").map((share) => ({ share, folder })),
  );
  const people = new Set(
    [...(own.data ?? []).filter(({ state }) => state === "accepted"), ...inherited.map(({ share }) => share)].map(
      ({ email }) => email.toLowerCase(),
    ),
  );
  return { own, inherited, count: people.size };
}

/** To whom it belongs, who takes part and who is asked to; for who takes part by themselves, how, and the way out. */
export function Members({ thing, onLeft }: { thing: Thing; onLeft?: () => void }) {
  return mayOwn(thing) ? <OwnersView thing={thing} /> : <GuestsView thing={thing} onLeft={onLeft} />;
}

function OwnersView({ thing }: { thing: Thing }) {
  const t = useTexts(thingTexts);
  const me = useMe();
  const { own, inherited } = useTakingPart(thing);
  // Who takes part, who is asked to, who did not want to.
  const shares = (own.data ?? []).toSorted(
    (a, b) => states.indexOf(a.state) - states.indexOf(b.state) || a.email.localeCompare(b.email),
  );
  return (
    <div className="flex flex-col gap-5">
      <InviteForm thing={thing} />
      {own.isError && !own.data ? <ErrorState error={own.error} onRetry={() => void own.refetch()} /> : null}
      {own.isPending ? <LoadingBars rows={2} /> : null}
      {own.data ? (
        <ul className="border-t border-border-soft">
          <li className="flex min-h-12 items-center gap-3 border-b border-border-soft py-1.5">
            <Avatar initials={me.initials} size={28} look="self" />
            <span className="min-w-0 grow truncate">
              {me.name} <span className="text-muted-foreground">({t("you")})</span>
            </span>
            <span className="text-muted-foreground">{t("role.owner")}</span>
          </li>
          {shares.map((share) => (
            <ShareRow key={share.id} share={share} />
          ))}
          {shares.length === 0 && inherited.length === 0 ? (
            <li className="py-3 text-muted-foreground">{t("nobodyYet")}</li>
          ) : null}
        </ul>
      ) : null}
      {inherited.length > 0 ? (
        <section>
          <h2 className="font-semibold">{t("fromAbove")}</h2>
          <p className="mb-2 text-muted-foreground">{t("fromAboveText")}</p>
          <ul className="border-t border-border-soft">
            {inherited.map(({ share, folder }) => (
              <li key={share.id} className="flex min-h-12 items-center gap-3 border-b border-border-soft py-1.5">
                <Avatar initials={initialsOf(share.person ?? share.email)} size={28} />
                <span className="min-w-0 grow">
                  <span className="block truncate">{share.person ?? share.email}</span>
                  <Link to="/p" search={{ folder: folder.id }} className={`${inTextLinkClass} text-xs`}>
                    {t("through", { folder: folder.name })}
                  </Link>
                </span>
                <span className="text-muted-foreground">{t(`may.${share.role}`)}</span>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
    </div>
  );
}

function ShareRow({ share }: { share: Share }) {
  const t = useTexts(thingTexts);
  const locale = useLocale();
  const name = share.person ?? share.email;
  const end = useDeed(() => deeds.endShare(share.id));
  const change = useDeed((role: ShareRole) =>
    read(
      api.PATCH("/api/v1/shares/{share_id}", {
        params: { path: { share_id: share.id }, header: ifMatch(share.version) },
        body: { role },
      }),
    ),
  );
  const again = useDeed(() => {
    const { folder_id, project_id, email, role } = share;
    return read(api.POST("/api/v1/shares", { body: { folder_id, project_id, email, role } }));
  });
  const isPending = share.state === "pending";
  return (
    <li className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-1.5 border-b border-border-soft py-1.5">
      <Avatar initials={initialsOf(name)} size={28} look={share.state === "accepted" ? "plain" : "pending"} />
      <span className="min-w-0 grow basis-24">
        <span className="block truncate">{name}</span>
        <span className="flex flex-wrap items-center gap-x-2 text-xs text-muted-foreground">
          {share.person ? <span className="truncate">{share.email}</span> : null}
          {share.state === "accepted" ? null : <Badge>{t(`state.${share.state}`)}</Badge>}
          {isPending && share.expires_at ? (
            <span className="num">{t("until", { date: formatDate(share.expires_at, locale) })}</span>
          ) : null}
        </span>
      </span>
      {share.state === "declined" ? (
        <Button variant="ghost" size="sm" busy={again.isPending} onClick={() => again.mutate(undefined)}>
          {t("inviteAgain")}
        </Button>
      ) : (
        <Select
          size="sm"
          label={t("roleOf", { name })}
          className="!w-32"
          value={share.role}
          options={roles.map((role) => ({ value: role, label: t(`may.${role}`) }))}
          onChange={(role) =>
            change.mutate(role, {
              onSuccess: () => toast({ text: t("roleChanged", { name, may: t(`mayWord.${role}`) }) }),
            })
          }
        />
      )}
      <IconButton
        icon={X}
        label={t("takeBackNamed", { name })}
        disabled={end.isPending}
        onClick={() =>
          end.mutate(undefined, {
            onSuccess: () => toast({ text: t(isPending ? "inviteTakenBack" : "takenBack", { name }) }),
          })
        }
      />
    </li>
  );
}

function InviteForm({ thing }: { thing: Thing }) {
  const t = useTexts(thingTexts);
  const [role, setRole] = useState<ShareRole>("viewer");
  const invite = useDeed(
    (email: string) => read(api.POST("/api/v1/shares", { body: { ...ofThing(thing), email, role } })),
    { shown: true },
  );
  const { form, field, reset } = useForm({
    initial: { email: "" },
    check: ({ email }) => ({
      email: !email.trim() ? t("emailMissing") : /^\S+@\S+\.\S+$/.test(email.trim()) ? undefined : t("emailWrong"),
    }),
    problem: invite.error,
    onSubmit: ({ email }) =>
      invite.mutate(email.trim(), {
        onSuccess: () => {
          toast({ text: t("invited", { email: email.trim() }) });
          reset();
        },
      }),
  });
  const email = field("email");
  return (
    <form {...form} className="flex flex-col gap-3">
      <div className="flex flex-wrap items-start gap-x-2 gap-y-3">
        <Field label={t("email")} error={email.error} className="grow basis-52">
          <Input {...email.control} type="email" inputMode="email" autoComplete="off" spellCheck={false} />
        </Field>
        <Field label={t("role")} className="w-36 max-sm:grow">
          <Select
            value={role}
            onChange={setRole}
            options={roles.map((value) => ({ value, label: t(`may.${value}`) }))}
          />
        </Field>
        <Button type="submit" size="lg" busy={invite.isPending} className="mt-[1.625rem] max-sm:w-full max-sm:mt-0">
          {t("invite")}
        </Button>
      </div>
      <p className="-mt-1 text-xs text-muted-foreground">{t(`mayLong.${role}`)}.</p>
      <FormProblem error={invite.error} fields={["email"]} />
    </form>
  );
}

function GuestsView({ thing, onLeft }: { thing: Thing; onLeft?: () => void }) {
  const t = useTexts(thingTexts);
  const [leaving, setLeaving] = useState(false);
  const own = useQuery(sharesQuery(ofThing(thing)));
  const end = useDeed((share: string) => deeds.endShare(share), { shown: true });
  // What follows from a folder is left there.
  const share = own.data?.find(({ state }) => state === "accepted");
  return (
    <div className="flex flex-col gap-4">
      <ul className="border-t border-border-soft">
        <li className="flex min-h-12 items-center gap-3 border-b border-border-soft py-1.5">
          <Avatar initials={initialsOf(thing.owner?.name ?? "A")} size={28} />
          <span className="min-w-0 grow truncate">{thing.owner?.name ?? t("ownerHidden")}</span>
          <span className="text-muted-foreground">{t("role.owner")}</span>
        </li>
      </ul>
      <p>{t(thing.role === "editor" ? "youAs.editor" : "youAs.viewer")}</p>
      <ProblemNotice error={end.error} />
      {share ? (
        <div>
          <Button onClick={() => setLeaving(true)}>{t("leave")}</Button>
        </div>
      ) : own.data ? (
        <p className="text-muted-foreground">{t("fromAboveText")}</p>
      ) : null}
      <AlertDialog
        open={leaving}
        onOpenChange={setLeaving}
        title={t("leaveTitle", { name: thing.name })}
        description={t("leaveText")}
        action={t("leave")}
        busy={end.isPending}
        onConfirm={() =>
          share &&
          end.mutate(share.id, {
            onSuccess: () => {
              setLeaving(false);
              toast({ text: t("left", { name: thing.name }) });
              onLeft?.();
            },
            onError: () => setLeaving(false),
          })
        }
      />
    </div>
  );
}
