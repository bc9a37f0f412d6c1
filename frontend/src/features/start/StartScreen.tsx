import { useQuery } from "@tanstack/react-query";
import {
  AtSign,
  Bell,
  Check,
  CircleSlash,
  Clock,
  Fingerprint,
  HardDrive,
  KeyRound,
  type LucideIcon,
  Mail,
  MailCheck,
  ShieldCheck,
  TriangleAlert,
  UserRoundCheck,
  UserRoundPlus,
  UsersRound,
  X,
} from "lucide-react";
import type { ReactNode } from "react";
import type { Schemas } from "@/shared/api/client";
import { matchRoute } from "@/shared/frame/feature";
import { Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { StateDot } from "@/shared/frame/sidebar";
import { useWorkspace } from "@/shared/frame/workspace";
import { formatBytes, formatNumber, formatPercent } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useBinding } from "@/shared/keys/use-keys";
import { clientName } from "@/shared/session/client-name";
import { jobsQuery, jobTitle, notificationsQuery } from "@/shared/session/jobs";
import { canUsePasskeys } from "@/shared/session/passkeys";
import { installationQuery, useIsAdmin, useMe } from "@/shared/session/queries";
import { Button, IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { Kbd } from "@/shared/ui/kbd";
import { Dot, ProgressBar } from "@/shared/ui/marks";
import { Section } from "@/shared/ui/section";
import { Spinner } from "@/shared/ui/spinner";
import { ErrorState, LoadingBars } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { When } from "@/shared/ui/values";
import { statsQuery, useCancelJob, useMarkAllRead } from "./api";
import { openTasks, type Task, type TaskKind } from "./tasks";
import { startTexts } from "./texts";

const row = "flex min-h-10 items-center gap-3 border-b border-border-soft py-2 pointer-coarse:min-h-12";
// The tint stands a little wider than the line, so that the words stay in one column with their heading.
const linkRow = cx(
  row,
  "relative isolate w-full before:absolute before:-inset-x-2 before:inset-y-0 before:-z-10 before:rounded-sm hover:before:bg-hover",
);

/** What waits for this person, what they were at, what runs for them. Every row leads somewhere. */
export default function StartScreen() {
  const t = useTexts(startTexts);
  const paletteKeys = useBinding("palette");
  return (
    <Screen title={t("title")}>
      <div className="grid max-w-[72rem] gap-x-12 gap-y-7 pt-1 @4xl:grid-cols-[minmax(0,1.25fr)_minmax(0,1fr)]">
        <div className="flex min-w-0 flex-col gap-7">
          <Tasks />
          <Continue />
        </div>
        <div className="flex min-w-0 flex-col gap-7">
          <Jobs />
          <News />
        </div>
      </div>
      {paletteKeys.length > 0 ? (
        <p className="mt-10 hidden items-center gap-2 text-xs text-muted-foreground md:flex">
          <Kbd keys={paletteKeys} />
          {t("paletteHint")}
        </p>
      ) : null}
    </Screen>
  );
}

const taskIcons: Record<TaskKind, LucideIcon> = {
  password: KeyRound,
  email: AtSign,
  verify: MailCheck,
  passkey: Fingerprint,
  totp: ShieldCheck,
  waiting: UserRoundCheck,
  mail: Mail,
  invite: UserRoundPlus,
  dead: TriangleAlert,
  space: HardDrive,
};

function Tasks() {
  const t = useTexts(startTexts);
  const me = useMe();
  const isAdmin = useIsAdmin();
  const installation = useQuery(installationQuery);
  const stats = useQuery({ ...statsQuery, enabled: isAdmin });
  const tasks = openTasks(me, installation.data, stats.data, canUsePasskeys());
  const isPending = installation.isPending || (isAdmin && stats.isPending);
  return (
    <Section title={t("tasks")}>
      {isPending ? (
        <LoadingBars rows={3} />
      ) : tasks.length === 0 ? (
        <p className={cx(row, "text-muted-foreground")}>
          <Icon icon={Check} />
          {t("tasksNone")}
        </p>
      ) : (
        <ul className="border-t border-border">
          {tasks.map((task) => (
            <li key={task.kind}>
              <TaskRow task={task} email={me.email ?? ""} />
            </li>
          ))}
        </ul>
      )}
      {stats.isError ? <ErrorState error={stats.error} onRetry={() => void stats.refetch()} /> : null}
    </Section>
  );
}

function TaskRow({ task, email }: { task: Task; email: string }) {
  const t = useTexts(startTexts);
  const locale = useLocale();
  const count = task.count ?? 0;
  const words: Record<TaskKind, readonly [string, string]> = {
    password: [t("password"), t("passwordWhy")],
    email: [t("email"), t("emailWhy")],
    verify: [t("verify"), t("verifyWhy", { email })],
    passkey: [t("passkey"), t("passkeyWhy")],
    totp: [t("totp"), t("totpWhy")],
    waiting: [t("waiting", { count }), t("waitingWhy")],
    mail: [t("mail"), t("mailWhy")],
    invite: [t("invite"), t("inviteWhy")],
    dead: [t("dead", { count }), t("deadWhy")],
    space: [t("space", { free: formatBytes(task.freeBytes ?? 0, locale) }), t("spaceWhy")],
  };
  const [title, why] = words[task.kind];
  return (
    <Link to={task.to} search={task.search} className={linkRow}>
      <Icon icon={taskIcons[task.kind]} className={task.urgent ? "text-brass-text" : "text-faint"} />
      <span className="min-w-0">
        <span className={cx("block font-medium", task.urgent && "text-brass-text")}>{title}</span>
        <span className="block text-muted-foreground">{why}</span>
      </span>
    </Link>
  );
}

const SHOWN_TABS = 8;

function Continue() {
  const t = useTexts(startTexts);
  const { openTabs, closedTabs, features, reopen } = useWorkspace();
  const routes = features.flatMap((feature) => feature.routes);
  const iconOf = (path: string) => matchRoute(routes, path)?.route.icon;
  const open = openTabs.filter((tab) => tab.path !== "/");
  const closed = closedTabs.filter((tab) => tab.path !== "/").slice(0, Math.max(0, SHOWN_TABS - open.length));
  return (
    <Section title={t("continue")}>
      {open.length + closed.length === 0 ? (
        <p className={cx(row, "text-muted-foreground")}>{t("continueNone")}</p>
      ) : (
        <ul className="border-t border-border">
          {open.slice(0, SHOWN_TABS).map((tab) => (
            <li key={tab.id}>
              <Link to={tab.path} className={linkRow}>
                <TabLine title={tab.title} icon={iconOf(tab.path)} state={t("openTab")} mark={<StateDot />} />
              </Link>
            </li>
          ))}
          {closed.map((tab) => (
            <li key={`${tab.id} ${tab.path}`}>
              <button type="button" onClick={() => reopen(tab.id)} className={linkRow}>
                <TabLine title={tab.title} icon={iconOf(tab.path)} state={t("closedTab")} />
              </button>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function TabLine({ title, icon, state, mark }: { title: string; icon?: LucideIcon; state: string; mark?: ReactNode }) {
  return (
    <>
      {icon ? <Icon icon={icon} className="text-faint" /> : <span className="size-4" />}
      <span className="min-w-0 grow truncate">{title}</span>
      {mark}
      <span className="text-muted-foreground">{state}</span>
    </>
  );
}

type Job = Schemas["JobRead"];

function Jobs() {
  const t = useTexts(startTexts);
  const jobs = useQuery(jobsQuery);
  const items = jobs.data?.items.slice(0, 6) ?? [];
  return (
    <Section title={t("jobs")} className="scroll-mt-4">
      {jobs.isPending ? <LoadingBars rows={2} /> : null}
      {jobs.isError && !jobs.data ? <ErrorState error={jobs.error} onRetry={() => void jobs.refetch()} /> : null}
      {jobs.data && items.length === 0 ? <p className={cx(row, "text-muted-foreground")}>{t("jobsNone")}</p> : null}
      {items.length > 0 ? (
        <ul id="jobs" className="border-t border-border">
          {items.map((job) => (
            <JobRow key={job.id} job={job} />
          ))}
        </ul>
      ) : null}
    </Section>
  );
}

function JobRow({ job }: { job: Job }) {
  const t = useTexts(startTexts);
  const locale = useLocale();
  const cancel = useCancelJob();
  const title = jobTitle(job, locale.language);
  const share = job.total ? job.done / job.total : null;
  const words: Record<Job["state"], string> = {
    running: job.total
      ? t("progress", { done: formatNumber(job.done, {}, locale), total: formatNumber(job.total, {}, locale) })
      : t("jobRunning"),
    queued: t("jobQueued"),
    waiting: t("jobWaiting"),
    done: t("jobDone"),
    failed: t("jobFailed"),
    cancelled: t("jobCancelled"),
  };
  const isFailed = job.state === "failed";
  return (
    <li className={row}>
      <JobMark state={job.state} />
      <div className="min-w-0 grow">
        <div className="truncate">{title}</div>
        <div className={cx("num truncate text-xs", isFailed ? "text-brick-text" : "text-muted-foreground")}>
          {job.state === "running" && job.note ? job.note : words[job.state]}
          {isFailed && job.error ? `: ${job.error}` : ""}
        </div>
        {job.state === "running" && share !== null ? (
          <ProgressBar label={title} value={share} max={1} className="mt-1.5" />
        ) : null}
      </div>
      {job.state === "running" && share !== null ? (
        <span className="num text-muted-foreground">{formatPercent(share, 0, locale)}</span>
      ) : (
        <span className="text-muted-foreground">
          <When at={job.finished_at ?? job.created_at} />
        </span>
      )}
      {job.can_cancel ? (
        <IconButton
          icon={X}
          label={t("cancelJob", { title })}
          disabled={cancel.isPending}
          onClick={() =>
            cancel.mutate(job.id, {
              onSuccess: () => toast({ text: t("cancelled", { title }), icon: CircleSlash }),
            })
          }
        />
      ) : null}
    </li>
  );
}

function JobMark({ state }: { state: Job["state"] }) {
  switch (state) {
    case "running":
      return <Spinner size={16} />;
    case "done":
      return <Icon icon={Check} className="text-faint" />;
    case "failed":
      return <Icon icon={TriangleAlert} className="text-brick-text" />;
    case "cancelled":
      return <Icon icon={CircleSlash} className="text-faint" />;
    default:
      return <Icon icon={Clock} className="text-faint" />;
  }
}

type Notification = Schemas["NotificationRead"];

function News() {
  const t = useTexts(startTexts);
  const news = useQuery(notificationsQuery);
  const markRead = useMarkAllRead();
  const items = news.data?.items ?? [];
  const hasUnread = items.some((item) => !item.read_at);
  return (
    <Section
      title={t("news")}
      actions={
        hasUnread ? (
          <Button variant="ghost" size="sm" onClick={() => markRead.mutate()}>
            {t("markRead")}
          </Button>
        ) : null
      }
    >
      {news.isPending ? <LoadingBars rows={2} /> : null}
      {news.isError && !news.data ? <ErrorState error={news.error} onRetry={() => void news.refetch()} /> : null}
      {news.data && items.length === 0 ? <p className={cx(row, "text-muted-foreground")}>{t("newsNone")}</p> : null}
      {items.length > 0 ? (
        <ul className="border-t border-border">
          {items.map((item) => (
            <li key={item.id}>
              <NewsRow item={item} />
            </li>
          ))}
        </ul>
      ) : null}
    </Section>
  );
}

function NewsRow({ item }: { item: Notification }) {
  const t = useTexts(startTexts);
  const word = (name: string) => {
    const value = item.data[name];
    return typeof value === "string" && value ? value : undefined;
  };
  const lines: Record<string, readonly [string, string, LucideIcon, Record<string, unknown>?]> = {
    "approval.waiting": [
      t("notice.approval.waiting", { name: word("name") ?? word("email") ?? t("unknownPerson") }),
      "/admin/users",
      UserRoundCheck,
      { state: "waiting" },
    ],
    "sign_in.new_device": [
      t("notice.sign_in.new_device", { client: clientName(word("client") ?? "").name || t("unknownDevice") }),
      "/settings/security",
      KeyRound,
    ],
    "full_access.used": [t("notice.full_access.used"), "/settings/privacy", ShieldCheck],
    "share.offered": [
      t("notice.share.offered", { person: word("person") ?? t("somebody"), name: word("name") ?? "…" }),
      "/p",
      UsersRound,
    ],
    "job.failed": [t("notice.job.failed", { title: word("title") ?? t("unknownJob") }), "/", TriangleAlert],
  };
  const [text, to, icon, search] = lines[item.kind] ?? [t("notice.other"), "/", Bell];
  return (
    <Link to={to} search={search} className={linkRow}>
      <Icon icon={icon} className="text-faint" />
      <span className={cx("min-w-0 grow", !item.read_at && "font-medium")}>{text}</span>
      {item.read_at ? null : (
        <span className="flex items-center">
          <Dot />
          <span className="sr-only">{t("unread")}</span>
        </span>
      )}
      <span className="text-muted-foreground">
        <When at={item.created_at} />
      </span>
    </Link>
  );
}
