import { useQuery } from "@tanstack/react-query";
import { useLocation, useParams } from "@tanstack/react-router";
import { Archive, ChevronRight, Ellipsis, Trash2, UsersRound } from "lucide-react";
import { Fragment, type ReactNode } from "react";
import { Problem } from "../api/problem";
import { Link } from "../frame/link";
import { Screen } from "../frame/sheet";
import { useWorkspace } from "../frame/workspace";
import { today } from "../i18n/days";
import { formatNumber } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { useTexts } from "../i18n/texts";
import { periodOf } from "../receipts/period";
import { Button, buttonClass, IconButton } from "../ui/button";
import { cx } from "../ui/cx";
import { Icon } from "../ui/icons";
import { Avatar, Badge } from "../ui/marks";
import { Menu } from "../ui/menu";
import { ErrorState, LoadingBars, Notice } from "../ui/states";
import {
  asProject,
  countOf,
  dashboardQuery,
  deeds,
  foldersQuery,
  mayOwn,
  type Project,
  projectQuery,
  type Thing,
  useDeed,
} from "./api";
import { useDeeds } from "./deeds";
import { pathTo } from "./folders";
import { initialsOf, useTakingPart } from "./Members";
import { thingTexts } from "./texts";

/** What stands in the address: `/p/$id` and everything below it. */
export function useProjectId(): string {
  const { id = "" }: { id?: string } = useParams({ strict: false });
  return id;
}

const FACES = 4;

/**
 * One part of a project, with the head that all of its parts have: name, the way to it, who takes part, what can be
 * done with it, and the other parts.
 */
export function ProjectScreen({
  actions,
  width = "full",
  children,
}: {
  /** What this part does, before the menu of the project. */
  actions?: (project: Project) => ReactNode;
  width?: "full" | "form";
  children: (project: Project) => ReactNode;
}) {
  const t = useTexts(thingTexts);
  const id = useProjectId();
  const found = useQuery(projectQuery(id));
  // What is no id at all is as little there.
  if (found.error instanceof Problem && [404, 422].includes(found.error.status)) {
    return (
      <Screen title={t("gone")} tabTitle={t("project")} width="form">
        <p className="mt-2 max-w-[38.5rem] text-muted-foreground">{t("goneText")}</p>
        <div className="mt-4">
          <Link to="/p" className={buttonClass()}>
            {t("toProjects")}
          </Link>
        </div>
      </Screen>
    );
  }
  if (!found.data) {
    return (
      <Screen title={t("project")}>
        {found.isError ? (
          <ErrorState error={found.error} onRetry={() => void found.refetch()} />
        ) : (
          <LoadingBars rows={6} />
        )}
      </Screen>
    );
  }
  return (
    <Standing project={found.data} actions={actions?.(found.data)} width={width}>
      {children(found.data)}
    </Standing>
  );
}

function Standing({
  project,
  actions,
  width,
  children,
}: {
  project: Project;
  actions: ReactNode;
  width: "full" | "form";
  children: ReactNode;
}) {
  const t = useTexts(thingTexts);
  const workspace = useWorkspace();
  const { data: folders = [] } = useQuery(foldersQuery);
  const thing = asProject(project);
  const { ask, entries, dialog } = useDeeds({
    onProject: (made) => workspace.open(`/p/${made.id}`),
    onGone: () => workspace.open("/p"),
  });
  const path = pathTo(project.folder_id, folders);
  const owner = project.owner;
  return (
    <Screen
      title={project.name}
      width={width === "form" ? "full" : width}
      breadcrumb={
        path.length > 0 ? (
          <nav aria-label={t("pathLabel")} className="mb-0.5">
            <ol className="flex min-w-0 flex-wrap items-center gap-x-1.5 text-xs text-muted-foreground">
              {path.map((folder, index) => (
                <Fragment key={folder.id}>
                  {index > 0 ? (
                    <li aria-hidden="true">
                      <Icon icon={ChevronRight} size={12} className="text-faint" />
                    </li>
                  ) : null}
                  <li className="min-w-0 truncate">
                    <Link
                      to="/p"
                      search={{ folder: folder.id }}
                      className="touch rounded-xs underline-offset-4 hover:text-foreground hover:underline"
                    >
                      {folder.name}
                    </Link>
                  </li>
                </Fragment>
              ))}
            </ol>
          </nav>
        ) : null
      }
      subtitle={
        <span className="flex flex-wrap items-center gap-x-2">
          {project.description ? <span className="line-clamp-2 min-w-0">{project.description}</span> : null}
          {owner ? (
            <span className="flex items-center gap-2">
              <Badge>{t(`role.${project.role}`)}</Badge>
              {owner.name ? t("sharedBy", { name: owner.name }) : t("sharedByAdmin")}
            </span>
          ) : null}
        </span>
      }
      actions={
        project.trashed_at ? null : (
          <>
            <Faces thing={thing} onOpen={() => ask({ for: "share", thing })} />
            {actions}
            <Button icon={UsersRound} onClick={() => ask({ for: "share", thing })}>
              {mayOwn(project) ? t("share") : t("members")}
            </Button>
            <Menu
              trigger={<IconButton icon={Ellipsis} label={t("moreFor", { name: project.name })} />}
              entries={entries(thing)}
            />
          </>
        )
      }
      below={<Parts project={project} />}
    >
      <Put project={project} />
      <div className={cx(width === "form" && "max-w-[46.5rem]")}>{children}</div>
      {dialog}
    </Screen>
  );
}

/** Who takes part, as far as there is room; the rest is a number. */
function Faces({ thing, onOpen }: { thing: Thing; onOpen: () => void }) {
  const t = useTexts(thingTexts);
  const { own, inherited, count } = useTakingPart(thing);
  if (count === 0) return null;
  const names = new Set(
    [...(own.data ?? []).filter(({ state }) => state === "accepted"), ...inherited.map(({ share }) => share)].map(
      ({ person, email }) => person ?? email,
    ),
  );
  return (
    <button
      type="button"
      onClick={onOpen}
      aria-label={t("takePart", { count })}
      title={[...names].join(", ")}
      className="touch mr-1 flex items-center gap-1.5 rounded-full"
    >
      {[...names].slice(0, FACES).map((name) => (
        <Avatar key={name} initials={initialsOf(name)} size={24} />
      ))}
      {names.size > FACES ? <span className="num text-xs text-muted-foreground">+{names.size - FACES}</span> : null}
    </button>
  );
}

/** The parts are places with addresses of their own, so they are links and no tabs. */
function Parts({ project }: { project: Project }) {
  const t = useTexts(thingTexts);
  const locale = useLocale();
  const { pathname } = useLocation();
  const { data: dashboard } = useQuery(dashboardQuery(project.id, periodOf("month", today(locale.timeZone))));
  const { count } = useTakingPart(asProject(project));
  const base = `/p/${project.id}`;
  const parts: [string, string, number | null][] = [
    [base, t("overview"), null],
    [`${base}/documents`, t("documents"), countOf(dashboard, "documents")],
    [`${base}/instructions`, t("instructions"), null],
    [`${base}/members`, t("members"), count > 0 ? count + 1 : null],
    [`${base}/settings`, t("settings"), null],
  ];
  return (
    <nav
      aria-label={t("tabsOf")}
      className="flex min-w-0 gap-5 overflow-x-auto border-b border-border [scrollbar-width:none]"
    >
      {parts.map(([to, label, number]) => (
        <Link
          key={to}
          to={to}
          aria-current={pathname === to ? "page" : undefined}
          className={cx(
            "touch flex h-10 flex-none items-center gap-1.5 border-b-2 whitespace-nowrap focus-visible:-outline-offset-2",
            pathname === to
              ? "border-primary font-medium"
              : "border-transparent text-muted-foreground hover:text-foreground",
          )}
        >
          {label}
          {number ? <span className="num text-xs text-faint">{formatNumber(number, {}, locale)}</span> : null}
        </Link>
      ))}
    </nav>
  );
}

/** Where it is put away: said above everything, with the way back. */
function Put({ project }: { project: Project }) {
  const t = useTexts(thingTexts);
  const thing = asProject(project);
  const restore = useDeed(deeds.restore);
  const unarchive = useDeed(() => deeds.change(thing, { archived: false }));
  if (project.trashed_at) {
    return (
      <Notice
        icon={Trash2}
        className="mt-5"
        action={
          <Button size="sm" busy={restore.isPending} onClick={() => restore.mutate(thing)}>
            {t("restore")}
          </Button>
        }
      >
        {t("inTrash")}
      </Notice>
    );
  }
  if (!project.archived_at) return null;
  return (
    <Notice
      icon={Archive}
      className="mt-5"
      action={
        mayOwn(project) ? (
          <Button size="sm" busy={unarchive.isPending} onClick={() => unarchive.mutate()}>
            {t("unarchive")}
          </Button>
        ) : null
      }
    >
      {t("archivedNote")}
    </Notice>
  );
}
