import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import {
  ChartColumn,
  Database,
  HardDrive,
  ListChecks,
  Mail,
  MailX,
  Plus,
  Table2,
  UserRoundPlus,
  UsersRound,
} from "lucide-react";
import { type ReactNode, useState } from "react";
import type { Schemas } from "@/shared/api/client";
import { Link, textLinkClass } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { useTyped } from "@/shared/frame/use-typed";
import { useWorkspace } from "@/shared/frame/workspace";
import { formatBytes, formatDuration, formatNumber, formatTableDate } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useAction } from "@/shared/keys/use-keys";
import { Button, IconButton } from "@/shared/ui/button";
import { BarChart } from "@/shared/ui/charts";
import { SearchField } from "@/shared/ui/input";
import { Fact, FactStrip } from "@/shared/ui/section";
import { ErrorState, LoadingBars, ProblemNotice, Refreshing, Skeleton } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { AuditFeed } from "../audit/AuditFeed";
import { auditQuery } from "../audit/api";
import { CheckList } from "../checks/CheckList";
import { providersQuery } from "../providers/api";
import { CheckAll } from "../providers/CheckAll";
import { AddDialog } from "../providers/Dialogs";
import { ProviderTable } from "../providers/ProviderTable";
import { providersTexts } from "../providers/texts";
import { useProviderDeeds } from "../providers/use-deeds";
import { monthsQuery, usersQuery } from "../users/api";
import { InviteDialog } from "../users/Dialogs";
import { usersTexts } from "../users/texts";
import { UserTable } from "../users/UserTable";
import { checksQuery, statsQuery } from "./api";
import { overviewTexts } from "./texts";

type Stats = Schemas["StatsRead"];

const USERS = 7;
const LINES = 7;

export function OverviewSection() {
  const t = useTexts(overviewTexts);
  const u = useTexts(usersTexts);
  const p = useTexts(providersTexts);
  const stats = useQuery(statsQuery);
  const { open } = useWorkspace();
  const [asked, setAsked] = useState<"invite" | "provider" | null>(null);
  useAction("admin.invite", () => setAsked("invite"));
  useAction("admin.provider", () => setAsked("provider"));
  return (
    <Screen
      title={t("title")}
      actions={
        <>
          <Button icon={UserRoundPlus} onClick={() => setAsked("invite")}>
            {u("invite")}
          </Button>
          <Button variant="primary" icon={Plus} onClick={() => setAsked("provider")}>
            {p("add")}
          </Button>
        </>
      }
    >
      {stats.isError && !stats.data ? (
        <ErrorState error={stats.error} onRetry={() => void stats.refetch()} />
      ) : (
        <Facts stats={stats.data} />
      )}
      <Attention />
      <Providers />
      <div className="mt-7 grid gap-x-10 gap-y-7 @4xl:grid-cols-[minmax(0,1fr)_20.625rem]">
        <People />
        <Feed />
      </div>
      {stats.isError && !stats.data ? null : <SignIns days={stats.data?.sign_ins} />}
      {asked === "invite" ? <InviteDialog onClose={() => setAsked(null)} /> : null}
      {asked === "provider" ? (
        <AddDialog
          onClose={(made) => {
            setAsked(null);
            if (made) open(`/admin/providers?id=${made}`);
          }}
        />
      ) : null}
    </Screen>
  );
}

/** A figure that leads to its section. */
function FactLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link to={to} className="rounded-xs underline-offset-4 hover:underline">
      {children}
    </Link>
  );
}

function Facts({ stats }: { stats: Stats | undefined }) {
  const t = useTexts(overviewTexts);
  const locale = useLocale();
  if (!stats) {
    return (
      <FactStrip label={t("system")}>
        {[UsersRound, Database, ListChecks, HardDrive, Mail].map((icon, index) => (
          <Fact
            // biome-ignore lint/suspicious/noArrayIndexKey: places that wait have no identity
            key={index}
            icon={icon}
            value={<Skeleton className="my-1 h-3 w-20" />}
            detail={<Skeleton className="my-0.5 h-3 w-28" />}
          />
        ))}
      </FactStrip>
    );
  }
  const { people, database, jobs, storage, mail } = stats;
  const bytes = (value: number) => formatBytes(value, locale);
  const number = (value: number) => formatNumber(value, {}, locale);
  return (
    <FactStrip label={t("system")}>
      <Fact
        icon={UsersRound}
        value={<FactLink to="/admin/users">{t("people", { count: people.total })}</FactLink>}
        detail={
          people.waiting > 0 ? (
            <Link
              to="/admin/users"
              search={{ state: "waiting" }}
              className="font-medium text-brass-text hover:underline"
            >
              {t("waitingPeople", { count: people.waiting })}
            </Link>
          ) : (
            t("signedIn", { count: people.signed_in })
          )
        }
      />
      <Fact
        icon={Database}
        value={t("database", { size: bytes(database.bytes) })}
        detail={t("connections", { used: number(database.connections), most: number(database.max_connections) })}
      />
      <Fact
        icon={ListChecks}
        value={<FactLink to="/admin/jobs">{t("jobs", { count: jobs.running })}</FactLink>}
        detail={
          jobs.dead > 0 ? (
            <Link to="/admin/jobs" search={{ state: "dead" }} className="font-medium text-brick-text hover:underline">
              {t("jobsDead", { count: jobs.dead })}
            </Link>
          ) : (
            t("jobsWaiting", { count: jobs.waiting, time: formatDuration(jobs.oldest_seconds, locale) })
          )
        }
      />
      <Fact
        icon={HardDrive}
        value={t("storage", { size: bytes(storage.used_bytes) })}
        detail={t("free", { free: bytes(storage.free_bytes), total: bytes(storage.total_bytes) })}
      />
      <Fact
        icon={mail.configured ? Mail : MailX}
        value={<FactLink to="/admin/mail">{mail.configured ? t("mailOn") : t("mailOff")}</FactLink>}
        detail={
          mail.failed > 0 || mail.configured ? (
            <span className={mail.failed > 0 ? "font-medium text-brass-text" : undefined}>
              {t("mailQueued", { queued: mail.queued, failed: mail.failed })}
            </span>
          ) : (
            t("mailShown")
          )
        }
      />
    </FactStrip>
  );
}

/** Only what is not in order; nothing when all is well. */
function Attention() {
  const t = useTexts(overviewTexts);
  const { data } = useQuery(checksQuery);
  const bad = data?.items.filter(({ state }) => state === "fail" || state === "warn") ?? [];
  if (bad.length === 0) return null;
  return (
    <section className="mt-5">
      <Head title={t("checks")}>
        <Link to="/admin/self-test" className={textLinkClass}>
          {t("checksAll")}
        </Link>
      </Head>
      <CheckList checks={bad} />
    </section>
  );
}

function Head({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="flex min-h-8 flex-wrap items-center gap-2 pb-1">
      <h2 className="grow font-semibold">{title}</h2>
      {children}
    </div>
  );
}

function Providers() {
  const t = useTexts(providersTexts);
  const { open } = useWorkspace();
  const providers = useQuery(providersQuery);
  const items = providers.data?.items ?? [];
  const { ask, dialogs } = useProviderDeeds(items);
  return (
    <section className="mt-7 min-w-0">
      <Head title={t("title")}>
        <CheckAll providers={items} />
      </Head>
      {providers.isPending ? <LoadingBars rows={3} /> : null}
      {providers.isError && !providers.data ? (
        <ErrorState error={providers.error} onRetry={() => void providers.refetch()} />
      ) : null}
      {providers.data && items.length === 0 ? <p className="py-3 text-muted-foreground">{t("none")}</p> : null}
      {items.length > 0 ? (
        <ProviderTable providers={items} onChoose={(id) => open(`/admin/providers?id=${id}`)} onAsk={ask} />
      ) : null}
      {dialogs}
    </section>
  );
}

function SignIns({ days }: { days: Stats["sign_ins"] | undefined }) {
  const t = useTexts(overviewTexts);
  const locale = useLocale();
  const [asTable, setAsTable] = useState(false);
  // Days of the calendar stand for themselves; a zone would move them.
  const calendar = { ...locale, timeZone: "UTC" };
  const name = (day: string) => formatTableDate(`${day}T00:00:00Z`, calendar);
  const isQuiet = days?.every(({ count }) => count === 0);
  return (
    <section id="sign-ins" tabIndex={-1} className="relative mt-5 outline-none">
      <div className="absolute top-0 right-0 z-10">
        <IconButton
          icon={asTable ? ChartColumn : Table2}
          label={asTable ? t("asChart") : t("asTable")}
          onClick={() => setAsTable(!asTable)}
        />
      </div>
      {days === undefined ? (
        <>
          <Head title={t("signIns")} />
          <Skeleton className="h-32 w-full" />
        </>
      ) : asTable || isQuiet ? (
        <>
          <Head title={t("signIns")} />
          {isQuiet ? (
            <p className="text-muted-foreground">{t("chartNone")}</p>
          ) : (
            <Table caption={t("signIns")}>
              <TableHead>
                <Th>{t("day")}</Th>
                <Th right>{t("count")}</Th>
              </TableHead>
              <tbody>
                {days
                  .toReversed()
                  .filter(({ count }) => count > 0)
                  .map(({ day, count }) => (
                    <Tr key={day} className="!h-8">
                      <Td className="num">{name(day)}</Td>
                      <Td right>{formatNumber(count, {}, locale)}</Td>
                    </Tr>
                  ))}
              </tbody>
            </Table>
          )}
        </>
      ) : (
        <BarChart
          title={t("signIns")}
          unit={t("perDay")}
          height={140}
          bars={days.map(({ day, count }, index) => ({
            name: name(day),
            // A label per week, counted from today, so that today always has one.
            label: (days.length - 1 - index) % 7 === 0 ? name(day).slice(0, locale.language === "de" ? 6 : 5) : "",
            value: count,
          }))}
        />
      )}
    </section>
  );
}

function People() {
  const t = useTexts(overviewTexts);
  const { open } = useWorkspace();
  const [search, setSearch] = useState("");
  const [typed, type] = useTyped(search, setSearch);
  const filter = { search: search || undefined, sort: "-last_seen_at" as const };
  const users = useInfiniteQuery({ ...usersQuery(filter, USERS), placeholderData: (before) => before });
  const items = users.data?.pages[0]?.items;
  const months = useQuery({
    ...monthsQuery(items?.map(({ id }) => id) ?? []),
    placeholderData: (before) => before,
  });
  return (
    <section className="@container min-w-0">
      <Head title={t("users")}>
        <SearchField size="sm" label={t("usersSearch")} value={typed} onChange={type} className="w-44" />
        <Link to="/admin/users" className={textLinkClass}>
          {t("all")}
        </Link>
      </Head>
      {users.isPending ? <LoadingBars rows={USERS} /> : null}
      {users.isError && !items ? <ErrorState error={users.error} onRetry={() => void users.refetch()} /> : null}
      {items?.length === 0 ? <p className="py-3 text-muted-foreground">{t("usersNone")}</p> : null}
      {items && items.length > 0 ? (
        <Refreshing active={users.isPlaceholderData}>
          <UserTable
            brief
            users={items}
            months={months.isError && !months.data ? undefined : { of: months.data }}
            onChoose={(user) => open(`/admin/users?id=${user.id}`)}
          />
        </Refreshing>
      ) : null}
      {months.isError && !months.data ? <ProblemNotice error={months.error} className="mt-3" /> : null}
    </section>
  );
}

function Feed() {
  const t = useTexts(overviewTexts);
  const lines = useInfiniteQuery(auditQuery({}, LINES));
  const items = lines.data?.pages[0]?.items;
  return (
    <section className="min-w-0">
      <Head title={t("audit")}>
        <Link to="/admin/audit" className={textLinkClass}>
          {t("all")}
        </Link>
      </Head>
      {lines.isPending ? <LoadingBars rows={LINES} /> : null}
      {lines.isError && !items ? <ErrorState error={lines.error} onRetry={() => void lines.refetch()} /> : null}
      {items ? <AuditFeed lines={items} empty={t("auditNone")} /> : null}
    </section>
  );
}
