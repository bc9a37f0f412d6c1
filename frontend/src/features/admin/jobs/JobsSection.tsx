import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import {
  Ban,
  CircleAlert,
  CircleSlash,
  CircleX,
  Clock,
  Ellipsis,
  Pause as PauseIcon,
  Play,
  RotateCcw,
  X,
} from "lucide-react";
import { problemText, useProblemTexts } from "@/shared/api/texts";
import { Link, textLinkClass } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { formatDuration, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { type Say, useTexts } from "@/shared/i18n/texts";
import { Button, IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { ProgressBar, StateMark } from "@/shared/ui/marks";
import { Menu, type MenuEntry } from "@/shared/ui/menu";
import { LoadMore } from "@/shared/ui/navigation";
import { FactRow, Facts } from "@/shared/ui/section";
import { Spinner } from "@/shared/ui/spinner";
import { EmptyState, ErrorState, LoadingBars, Notice, Refreshing } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { Duration, When } from "@/shared/ui/values";
import { statsQuery } from "../overview/api";
import {
  Filters,
  FilterToggle,
  Group,
  moveBetweenRows,
  Panel,
  PanelHead,
  rowButtonClass,
  stickyClass,
  stickyRowClass,
} from "../parts";
import { useChosen, useFilters } from "../search";
import { adminTexts } from "../texts";
import { userQuery } from "../users/api";
import {
  type AdminJob,
  type JobState,
  jobStates,
  jobsQuery,
  type Pause,
  pausedQuery,
  periodicQuery,
  type Subject,
  useCancelJob,
  usePause,
  useResume,
  useRetryJob,
} from "./api";
import { jobsTexts } from "./texts";

type JobsSay = Say<(typeof jobsTexts)["en"]>;

export function kindText(kind: string, t: JobsSay): string {
  const key = `kind.${kind}`;
  return key in jobsTexts.en ? t(key as "kind.jobs.sweep") : kind;
}

export function JobsSection() {
  const t = useTexts(jobsTexts);
  const [filters, change] = useFilters();
  const filter = {
    state: jobStates.find((state) => state === filters.state),
    kind: filters.kind,
    owner: filters.owner && /^[0-9a-f-]{36}$/i.test(filters.owner) ? filters.owner : undefined,
  };
  const jobs = useInfiniteQuery({ ...jobsQuery(filter), placeholderData: (before) => before });
  const [chosen, choose] = useChosen();
  const items = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  const job = items.find(({ id }) => id === chosen);
  const isFiltered = Boolean(filter.state || filter.kind || filter.owner);
  const clear = () => change({ state: undefined, kind: undefined, owner: undefined });
  return (
    <Screen title={t("title")} below={<JobFilters />}>
      <Paused />
      {jobs.isPending ? <LoadingBars rows={4} /> : null}
      {jobs.isError && !jobs.data ? <ErrorState error={jobs.error} onRetry={() => void jobs.refetch()} /> : null}
      {jobs.data && items.length === 0 ? (
        <EmptyState
          title={isFiltered ? t("noneFiltered") : t("none")}
          action={isFiltered ? <Button onClick={clear}>{t("clear")}</Button> : null}
        >
          {isFiltered ? null : t("noneText")}
        </EmptyState>
      ) : null}
      {items.length > 0 ? (
        <Refreshing active={jobs.isPlaceholderData}>
          <JobTable jobs={items} chosen={chosen} onChoose={(each) => choose(each.id)} />
          <LoadMore
            loaded={items.length}
            hasMore={jobs.hasNextPage}
            busy={jobs.isFetchingNextPage}
            onLoad={() => void jobs.fetchNextPage()}
          />
        </Refreshing>
      ) : null}
      <Periodic />
      {job ? <JobPanel job={job} /> : null}
    </Screen>
  );
}

function JobFilters() {
  const t = useTexts(jobsTexts);
  const locale = useLocale();
  const [filters, change] = useFilters();
  const { data: stats } = useQuery(statsQuery);
  const counts: Partial<Record<JobState, number>> = stats
    ? { running: stats.jobs.running, waiting: stats.jobs.waiting, dead: stats.jobs.dead }
    : {};
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-border pb-3">
      <Filters label={t("byState")}>
        <FilterToggle pressed={!filters.state} onChange={() => change({ state: undefined })}>
          {t("all")}
        </FilterToggle>
        {jobStates.map((state) => (
          <FilterToggle
            key={state}
            pressed={filters.state === state}
            count={counts[state] === undefined ? undefined : formatNumber(counts[state], {}, locale)}
            onChange={() => change({ state: filters.state === state ? undefined : state })}
          >
            {t(`state.${state}`)}
          </FilterToggle>
        ))}
      </Filters>
      {filters.kind ? (
        <Chip onRemove={() => change({ kind: undefined })}>{t("onlyKind", { kind: kindText(filters.kind, t) })}</Chip>
      ) : null}
      {filters.owner ? <Chip onRemove={() => change({ owner: undefined })}>{t("onlyOwner")}</Chip> : null}
    </div>
  );
}

function Chip({ onRemove, children }: { onRemove: () => void; children: React.ReactNode }) {
  return (
    <button
      type="button"
      onClick={onRemove}
      className="touch flex h-8 min-w-0 items-center gap-1.5 rounded-sm bg-selected px-2.5 font-medium"
    >
      <span className="truncate">{children}</span>
      <Icon icon={X} size={13} />
    </button>
  );
}

export function JobMark({ state }: { state: JobState }) {
  const t = useTexts(jobsTexts);
  if (state === "running") {
    return (
      <span className="inline-flex items-center gap-2 whitespace-nowrap">
        <Spinner size={13} />
        {t("state.running")}
      </span>
    );
  }
  const looks = {
    queued: { tone: "neutral", icon: Clock },
    waiting: { tone: "neutral", icon: Clock },
    failed: { tone: "brass", icon: CircleAlert },
    dead: { tone: "brick", icon: CircleX },
    cancelled: { tone: "neutral", icon: CircleSlash },
    done: { tone: "neutral" },
  } as const;
  return <StateMark {...looks[state]}>{t(`state.${state}`)}</StateMark>;
}

function Progress({ job }: { job: AdminJob }) {
  const t = useTexts(jobsTexts);
  const locale = useLocale();
  const number = (value: number) => formatNumber(value, {}, locale);
  if (job.state !== "running" && job.done === 0) return <span className="text-faint">–</span>;
  if (job.total === null) {
    return <span className="num text-muted-foreground">{t("progressSome", { done: number(job.done) })}</span>;
  }
  return (
    <span className="flex items-center gap-2.5">
      <ProgressBar
        label={kindText(job.kind, t)}
        value={job.done}
        max={job.total}
        tone={job.state === "dead" ? "brick" : job.state === "failed" ? "brass" : "primary"}
        className="!w-16 flex-none"
      />
      <span className="num whitespace-nowrap text-muted-foreground">
        {t("progressOf", { done: number(job.done), total: number(job.total) })}
      </span>
    </span>
  );
}

/** Does it, says the new state, and says where it cannot be done why. */
function useJobDeeds() {
  const t = useTexts(jobsTexts);
  const say = useProblemTexts();
  const retry = useRetryJob();
  const cancel = useCancelJob();
  const pause = usePause();
  const resume = useResume();
  const onError = (error: unknown) => {
    const { title, advice } = problemText(error, say);
    toast({ text: `${title} ${advice}`.trim() });
  };
  return {
    retry: (job: AdminJob) =>
      retry.mutate(job.id, { onError, onSuccess: () => toast({ text: t("retried", { job: kindText(job.kind, t) }) }) }),
    cancel: (job: AdminJob) =>
      cancel.mutate(job.id, {
        onError,
        onSuccess: () => toast({ text: t("cancelled", { job: kindText(job.kind, t) }) }),
      }),
    pause: (subject: Subject, name: string) =>
      pause.mutate(subject, {
        onError,
        onSuccess: () =>
          toast({
            text: "kind" in subject ? t("pausedKind", { name }) : t("pausedOwner", { name }),
            undo: () => resume.mutateAsync(subject),
          }),
      }),
    resume: (subject: Subject, name: string) =>
      resume.mutate(subject, {
        onError,
        onSuccess: () => toast({ text: t("resumed", { name }), undo: () => pause.mutateAsync(subject) }),
      }),
  };
}

function useJobEntries() {
  const t = useTexts(jobsTexts);
  const deeds = useJobDeeds();
  return (job: AdminJob): MenuEntry[] => {
    const { owner_id } = job;
    return [
      ...(job.can_retry ? [{ label: t("retry"), icon: RotateCcw, onSelect: () => deeds.retry(job) }] : []),
      ...(job.can_cancel ? [{ label: t("cancel"), icon: Ban, onSelect: () => deeds.cancel(job) }] : []),
      {
        label: t("pauseKind"),
        icon: PauseIcon,
        onSelect: () => deeds.pause({ kind: job.kind }, kindText(job.kind, t)),
      },
      ...(owner_id
        ? [{ label: t("pauseOwner"), icon: PauseIcon, onSelect: () => deeds.pause({ owner_id }, t("person")) }]
        : []),
    ];
  };
}

function JobTable({
  jobs,
  chosen,
  onChoose,
}: {
  jobs: readonly AdminJob[];
  chosen: string | null;
  onChoose: (job: AdminJob) => void;
}) {
  const t = useTexts(jobsTexts);
  const a = useTexts(adminTexts);
  const entries = useJobEntries();
  return (
    <Table caption={t("table")} onKeyDown={moveBetweenRows}>
      <TableHead>
        <Th className={cx(stickyClass, "min-w-40")}>{t("job")}</Th>
        <Th>{t("state")}</Th>
        <Th className="hidden @2xl:table-cell">{t("progress")}</Th>
        <Th className="hidden @3xl:table-cell">{t("owner")}</Th>
        <Th right className="hidden @4xl:table-cell">
          {t("attempts")}
        </Th>
        <Th right className="hidden @xl:table-cell">
          {t("created")}
        </Th>
        <Th className="w-8">
          <span className="sr-only">{a("actions")}</span>
        </Th>
      </TableHead>
      <tbody>
        {jobs.map((job) => {
          const isChosen = job.id === chosen;
          const name = kindText(job.kind, t);
          return (
            <Tr
              key={job.id}
              selected={isChosen}
              className="group cursor-default"
              onClick={(event) => {
                const target = event.target as HTMLElement;
                if (event.currentTarget.contains(target) && !target.closest("button")) onChoose(job);
              }}
            >
              <Td className={cx(stickyRowClass(isChosen), "py-1")}>
                <button
                  type="button"
                  data-row
                  className={rowButtonClass}
                  aria-current={isChosen ? "true" : undefined}
                  onClick={() => onChoose(job)}
                >
                  {name}
                </button>
              </Td>
              <Td>
                <JobMark state={job.state} />
              </Td>
              <Td className="hidden @2xl:table-cell">
                <Progress job={job} />
              </Td>
              <Td className="hidden text-muted-foreground @3xl:table-cell">
                {job.owner_id ? <OwnerName id={job.owner_id} /> : t("installation")}
              </Td>
              <Td right className="hidden text-muted-foreground @4xl:table-cell">
                {t("attemptsOf", { count: job.attempts, most: job.max_attempts })}
              </Td>
              <Td right className="hidden text-muted-foreground @xl:table-cell">
                <When at={job.created_at} />
              </Td>
              <Td right>
                <Menu trigger={<IconButton icon={Ellipsis} label={a("moreFor", { name })} />} entries={entries(job)} />
              </Td>
            </Tr>
          );
        })}
      </tbody>
    </Table>
  );
}

function OwnerName({ id }: { id: string }) {
  const a = useTexts(adminTexts);
  const t = useTexts(jobsTexts);
  const { data, isError } = useQuery({ ...userQuery(id), staleTime: 5 * 60_000 });
  if (isError) return a("deletedPerson");
  return data?.name ?? t("person");
}

function JobPanel({ job }: { job: AdminJob }) {
  const t = useTexts(jobsTexts);
  const deeds = useJobDeeds();
  const entries = useJobEntries();
  const a = useTexts(adminTexts);
  const name = kindText(job.kind, t);
  const others = entries(job).slice((job.can_retry ? 1 : 0) + (job.can_cancel ? 1 : 0));
  return (
    <Panel of={job.id} title={name}>
      <PanelHead title={name} subtitle={<span className="font-mono text-xs break-all">{job.id}</span>} />
      <div className="flex flex-wrap items-center gap-2 pb-4">
        {job.can_retry ? (
          <Button icon={RotateCcw} onClick={() => deeds.retry(job)}>
            {t("retry")}
          </Button>
        ) : null}
        {job.can_cancel ? (
          <Button icon={Ban} onClick={() => deeds.cancel(job)}>
            {t("cancel")}
          </Button>
        ) : null}
        <Menu align="start" trigger={<IconButton icon={Ellipsis} label={a("moreFor", { name })} />} entries={others} />
      </div>
      {job.error || job.error_code ? (
        <Notice tone="brass" icon={CircleAlert} className="mb-4" title={job.error_code ?? t("error")}>
          {job.error ?? (job.owner_id ? t("ownerPrivate") : null)}
        </Notice>
      ) : null}
      <Facts>
        <FactRow label={t("state")}>
          <JobMark state={job.state} />
        </FactRow>
        <FactRow label={t("progress")}>
          <Progress job={job} />
        </FactRow>
        <FactRow label={t("owner")}>
          {job.owner_id ? (
            <Link to="/admin/users" search={{ id: job.owner_id }} className={textLinkClass}>
              <OwnerName id={job.owner_id} />
            </Link>
          ) : (
            t("installation")
          )}
        </FactRow>
        <FactRow label={t("attempts")}>
          <span className="num">{t("attemptsOf", { count: job.attempts, most: job.max_attempts })}</span>
        </FactRow>
        <FactRow label={t("priority")}>
          <span className="num">{job.priority}</span>
        </FactRow>
        <FactRow label={t("created")}>
          <When at={job.created_at} look="full" />
        </FactRow>
        {job.started_at ? (
          <FactRow label={t("started")}>
            <When at={job.started_at} look="full" />
          </FactRow>
        ) : null}
        {job.state === "waiting" || job.state === "queued" ? (
          <FactRow label={t("next")}>
            <When at={job.run_at} />
          </FactRow>
        ) : null}
        {job.finished_at ? (
          <FactRow label={t("finished")}>
            <When at={job.finished_at} look="full" />
          </FactRow>
        ) : null}
        {job.started_at && job.finished_at ? (
          <FactRow label={t("took")}>
            <Duration seconds={(Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000} />
          </FactRow>
        ) : null}
      </Facts>
    </Panel>
  );
}

function Paused() {
  const t = useTexts(jobsTexts);
  const paused = useQuery(pausedQuery);
  if (!paused.data || paused.data.items.length === 0) return null;
  return (
    <Notice tone="brass" icon={PauseIcon} title={t("pausedTitle")} className="mt-4 mb-2">
      <p>{t("pausedHelp")}</p>
      <ul className="mt-2 flex flex-col gap-1">
        {paused.data.items.map((pause) => (
          <PausedRow key={pause.kind ?? pause.owner_id} pause={pause} />
        ))}
      </ul>
    </Notice>
  );
}

function PausedRow({ pause }: { pause: Pause }) {
  const t = useTexts(jobsTexts);
  const deeds = useJobDeeds();
  const subject: Subject | null = pause.kind
    ? { kind: pause.kind }
    : pause.owner_id
      ? { owner_id: pause.owner_id }
      : null;
  const name = pause.kind ? kindText(pause.kind, t) : t("person");
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 text-foreground">
      <span className="font-medium">{pause.owner_id ? <OwnerName id={pause.owner_id} /> : name}</span>
      <span className="text-muted-foreground">
        {t("pausedSince")} <When at={pause.created_at} look="full" />
      </span>
      {subject ? (
        <Button size="sm" icon={Play} onClick={() => deeds.resume(subject, name)}>
          {t("resume")}
        </Button>
      ) : null}
    </li>
  );
}

function Periodic() {
  const t = useTexts(jobsTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const periodic = useQuery(periodicQuery);
  const paused = useQuery(pausedQuery);
  const deeds = useJobDeeds();
  const isPaused = (kind: string) => paused.data?.items.some((pause) => pause.kind === kind) ?? false;
  return (
    <Group id="periodic" lead={t("periodicLead")} className="!mt-8">
      {periodic.isPending ? <LoadingBars rows={4} /> : null}
      {periodic.isError && !periodic.data ? (
        <ErrorState error={periodic.error} onRetry={() => void periodic.refetch()} />
      ) : null}
      {periodic.data ? (
        <Table caption={t("periodicTable")}>
          <TableHead>
            <Th className={cx(stickyClass, "min-w-40")}>{t("job")}</Th>
            <Th className="hidden @xl:table-cell">{t("every")}</Th>
            <Th>{t("last")}</Th>
            <Th className="hidden @2xl:table-cell" right>
              {t("nextRun")}
            </Th>
            <Th className="w-8">
              <span className="sr-only">{a("actions")}</span>
            </Th>
          </TableHead>
          <tbody>
            {periodic.data.items.map((each) => {
              const name = kindText(each.kind, t);
              return (
                <Tr key={each.kind} className="group">
                  <Td className={cx(stickyRowClass(false), "py-1")}>{name}</Td>
                  <Td className="num hidden whitespace-nowrap text-muted-foreground @xl:table-cell">
                    {formatDuration(each.every_seconds, locale)}
                  </Td>
                  <Td className="text-muted-foreground">
                    <span className="flex flex-wrap items-center gap-x-3">
                      {each.last_run_at ? <When at={each.last_run_at} /> : t("lastNever")}
                      {each.last_state && each.last_state !== "done" ? <JobMark state={each.last_state} /> : null}
                    </span>
                  </Td>
                  <Td right className="hidden text-muted-foreground @2xl:table-cell">
                    <When at={each.next_run_at} />
                  </Td>
                  <Td right>
                    {isPaused(each.kind) ? (
                      <IconButton
                        icon={Play}
                        label={`${t("resume")}: ${name}`}
                        onClick={() => deeds.resume({ kind: each.kind }, name)}
                      />
                    ) : (
                      <IconButton
                        icon={PauseIcon}
                        label={`${t("pauseKind")}: ${name}`}
                        onClick={() => deeds.pause({ kind: each.kind }, name)}
                      />
                    )}
                  </Td>
                </Tr>
              );
            })}
          </tbody>
        </Table>
      ) : null}
    </Group>
  );
}
