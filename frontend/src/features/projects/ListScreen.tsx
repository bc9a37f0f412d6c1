import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Archive, ChevronRight, Ellipsis, FolderPlus, Plus, UsersRound, X } from "lucide-react";
import { Fragment, useCallback, useEffect } from "react";
import { isProblem } from "@/shared/api/problem";
import { Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { useTyped } from "@/shared/frame/use-typed";
import { useWorkspace } from "@/shared/frame/workspace";
import { useTexts } from "@/shared/i18n/texts";
import {
  asFolder,
  type Folder,
  folderQuery,
  foldersQuery,
  type Kind,
  kinds,
  mayEdit,
  mayOwn,
  type ProjectFilter,
  projectsQuery,
} from "@/shared/projects/api";
import { type Deeds, useDeeds } from "@/shared/projects/deeds";
import { pathTo } from "@/shared/projects/folders";
import { kindIcons } from "@/shared/projects/kinds";
import { ThingIcon } from "@/shared/projects/marks";
import { thingTexts } from "@/shared/projects/texts";
import { Button, IconButton } from "@/shared/ui/button";
import { Icon } from "@/shared/ui/icons";
import { SearchField } from "@/shared/ui/input";
import { Menu } from "@/shared/ui/menu";
import { Select } from "@/shared/ui/select";
import { EmptyState, ErrorState, LoadingBars, Refreshing } from "@/shared/ui/states";
import { Segmented } from "@/shared/ui/tabs";
import { Invitations } from "./Invitations";
import { ProjectTable } from "./ProjectTable";
import { type ProjectsSearch, useFilters } from "./search";
import { projectsTexts } from "./texts";

const sorts = ["-updated_at", "name", "-created_at", "position"] as const;
const whose = ["any", "mine", "others"] as const;
const STARTS = ["chat", "private_gpt", "extraction"] as const satisfies readonly Kind[];

/** What the address says, as the server asks for it; what it does not know is left out. */
function filterOf(search: ProjectsSearch): ProjectFilter {
  const known = <Value extends string>(values: readonly Value[], value: string | undefined) =>
    values.find((each) => each === value);
  return {
    folder_id: search.folder,
    search: search.q,
    kind: known(kinds, search.kind),
    tag: search.tag,
    whose: known(["mine", "others"] as const, search.whose),
    archived: known(["yes"] as const, search.archived),
    sort: known([...sorts, "-name", "updated_at"] as const, search.sort) ?? "-updated_at",
  };
}

export default function ListScreen() {
  const t = useTexts(thingTexts);
  const p = useTexts(projectsTexts);
  const workspace = useWorkspace();
  const [filters, change] = useFilters();
  const dialogs = useDeeds({
    onProject: (project) => workspace.open(`/p/${project.id}`),
    onFolder: (folder) => workspace.open(`/p?folder=${folder.id}`),
    onGone: (thing) => thing.id === filters.folder && workspace.open("/p"),
  });
  const folders = useQuery(foldersQuery);
  const folderId = filters.folder ?? null;
  const listed = folders.data?.find(({ id }) => id === folderId);
  // One that is put away is not among all of them, and is read by itself.
  const single = useQuery({
    ...folderQuery(folderId ?? ""),
    enabled: folderId !== null && !listed && !folders.isPending,
  });
  const folder = folderId ? (listed ?? single.data ?? null) : null;
  const isGone = folderId !== null && !listed && isProblem(single.error, "folder.not_found");
  // The palette and the start page come here to make something.
  const { ask } = dialogs;
  useEffect(() => {
    if (filters.new !== "project" && filters.new !== "folder") return;
    ask({ for: filters.new, folder: folderId });
    change({ new: undefined });
  }, [filters.new, folderId, ask, change]);

  const title = folder ? folder.name : filters.archived ? p("archivedProjects") : t("projects");
  const way = folder ? pathTo(folder.parent_id, folders.data ?? []) : [];
  return (
    <Screen
      title={title}
      breadcrumb={folder ? <Way folders={way} /> : null}
      subtitle={folder ? folder.description || undefined : p("lead")}
      actions={
        <>
          {folder ? (
            <Button icon={UsersRound} onClick={() => ask({ for: "share", thing: asFolder(folder) })}>
              {mayOwn(folder) ? t("share") : t("members")}
            </Button>
          ) : null}
          {!folder || mayEdit(folder) ? (
            <>
              <Button
                icon={FolderPlus}
                className="max-md:hidden"
                onClick={() => ask({ for: "folder", folder: folderId })}
              >
                {t("newFolder")}
              </Button>
              <Button icon={Plus} variant="primary" onClick={() => ask({ for: "project", folder: folderId })}>
                {t("newProject")}
              </Button>
            </>
          ) : null}
          {folder ? (
            <Menu
              trigger={<IconButton icon={Ellipsis} label={t("moreFor", { name: folder.name })} />}
              entries={dialogs.entries(asFolder(folder))}
            />
          ) : null}
        </>
      }
      below={isGone ? null : <FilterBar />}
    >
      {folder ? null : <Invitations />}
      {isGone ? (
        <EmptyState
          title={t("gone")}
          action={<Button onClick={() => change({ folder: undefined })}>{t("toProjects")}</Button>}
        >
          {t("goneText")}
        </EmptyState>
      ) : (
        <List folder={folder} dialogs={dialogs} />
      )}
      {dialogs.dialog}
    </Screen>
  );
}

function Way({ folders }: { folders: readonly Folder[] }) {
  const p = useTexts(projectsTexts);
  return (
    <nav aria-label={p("pathLabel")} className="mb-0.5">
      <ol className="flex min-w-0 flex-wrap items-center gap-x-1.5 text-xs text-muted-foreground">
        {[null, ...folders].map((folder) => (
          <Fragment key={folder?.id ?? "top"}>
            {folder ? (
              <li aria-hidden="true">
                <Icon icon={ChevronRight} size={12} className="text-faint" />
              </li>
            ) : null}
            <li className="min-w-0 truncate">
              <Link
                to="/p"
                search={folder ? { folder: folder.id } : {}}
                className="touch rounded-xs underline-offset-4 hover:text-foreground hover:underline"
              >
                {folder?.name ?? p("projects")}
              </Link>
            </li>
          </Fragment>
        ))}
      </ol>
    </nav>
  );
}

function FilterBar() {
  const t = useTexts(thingTexts);
  const p = useTexts(projectsTexts);
  const [filters, change] = useFilters();
  const find = useCallback((q: string) => change({ q: q || undefined }), [change]);
  const [typed, type] = useTyped(filters.q ?? "", find);
  const { kind = null, whose: side = "any", sort } = filterOf(filters);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-border pb-3">
      <SearchField label={p("searchField")} value={typed} onChange={type} className="w-full @2xl:w-56" />
      <Segmented
        label={p("whose")}
        items={whose.map((value) => ({ value, label: p(`whose.${value}`) }))}
        value={side}
        onChange={(value) => change({ whose: value === "any" ? undefined : value })}
      />
      <span className="grow @max-2xl:hidden" />
      <Button
        variant={filters.archived ? "soft" : "ghost"}
        icon={Archive}
        aria-pressed={Boolean(filters.archived)}
        onClick={() => change({ archived: filters.archived ? undefined : "yes" })}
      >
        {p("archive")}
      </Button>
      <Select
        size="sm"
        label={p("kind")}
        className="!w-48 @max-2xl:!w-auto @max-2xl:grow @max-2xl:basis-36"
        value={kind ?? "any"}
        options={[
          { value: "any" as const, label: p("anyKind") },
          ...kinds.map((value) => ({ value, label: t(`kind.${value}`) })),
        ]}
        onChange={(value) => change({ kind: value === "any" ? undefined : value })}
      />
      <Select
        size="sm"
        label={p("sort")}
        className="!w-44 @max-2xl:!w-auto @max-2xl:grow @max-2xl:basis-36"
        value={sorts.find((value) => value === sort) ?? "-updated_at"}
        options={sorts.map((value) => ({ value, label: p(`sort.${value}`) }))}
        onChange={(value) => change({ sort: value === "-updated_at" ? undefined : value })}
      />
      {filters.tag ? (
        <Button variant="soft" icon={X} onClick={() => change({ tag: undefined })}>
          {filters.tag}
        </Button>
      ) : null}
    </div>
  );
}

/** What is pinned stands first; both lists are read on as one comes near their end. */
function List({ folder, dialogs }: { folder: Folder | null; dialogs: Deeds }) {
  const t = useTexts(thingTexts);
  const p = useTexts(projectsTexts);
  const [filters, change] = useFilters();
  const filter = filterOf(filters);
  const { data: folders = [] } = useQuery(foldersQuery);
  const pinned = useInfiniteQuery({
    ...projectsQuery({ ...filter, pinned: true }),
    placeholderData: keepPreviousData,
  });
  const others = useInfiniteQuery({
    ...projectsQuery({ ...filter, pinned: false }),
    placeholderData: keepPreviousData,
  });
  const failed = [pinned, others].find(({ isError, data }) => isError && !data);
  const isFiltered = Boolean(filter.search || filter.kind || filter.tag || filter.whose);
  const below = folder && !isFiltered ? folders.filter(({ parent_id }) => parent_id === folder.id) : [];
  const items = [pinned, others].flatMap(({ data }) => data?.pages.flatMap((page) => page.items) ?? []);
  if (failed) return <ErrorState error={failed.error} onRetry={() => void failed.refetch()} />;
  if (!pinned.data || !others.data) return <LoadingBars rows={8} />;
  const next = [pinned, others].find(({ hasNextPage }) => hasNextPage);
  return (
    <Refreshing active={pinned.isPlaceholderData || others.isPlaceholderData}>
      {below.length > 0 ? <Subfolders folders={below} dialogs={dialogs} /> : null}
      {items.length > 0 ? (
        <ProjectTable
          projects={items}
          folders={folders}
          inFolder={folder !== null}
          entries={dialogs.entries}
          onTag={(tag) => change({ tag })}
          sort={filter.sort ?? "-updated_at"}
          onSort={(sort) => change({ sort: sort === "-updated_at" ? undefined : sort })}
          hasMore={next !== undefined}
          onEnd={() => next && !next.isFetchingNextPage && void next.fetchNextPage()}
        />
      ) : isFiltered ? (
        <EmptyState
          title={p("noFoundTitle")}
          action={
            <Button onClick={() => change({ q: undefined, kind: undefined, tag: undefined, whose: undefined })}>
              {p("clearFilters")}
            </Button>
          }
        >
          {p("noFoundText")}
        </EmptyState>
      ) : filter.archived ? (
        <EmptyState title={p("noArchive")}>{p("noArchiveText")}</EmptyState>
      ) : folder ? (
        below.length > 0 ? null : (
          <EmptyState title={p("noFolderTitle")}>{p("noFolderText")}</EmptyState>
        )
      ) : (
        <EmptyState
          title={p("noneTitle")}
          action={STARTS.map((kind) => (
            <Button
              key={kind}
              icon={kindIcons[kind]}
              onClick={() => dialogs.ask({ for: "project", folder: null, kind })}
            >
              {t(`kind.${kind}`)}
            </Button>
          ))}
        >
          {p("noneText")}
        </EmptyState>
      )}
    </Refreshing>
  );
}

function Subfolders({ folders, dialogs }: { folders: readonly Folder[]; dialogs: Deeds }) {
  const t = useTexts(thingTexts);
  const p = useTexts(projectsTexts);
  return (
    <section aria-label={p("subfolders")} className="mt-3 mb-2">
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(13rem,1fr))] gap-x-4">
        {folders.map((folder) => (
          <li key={folder.id} className="flex h-10 items-center gap-2 border-b border-border-soft">
            <ThingIcon thing={asFolder(folder)} size={16} />
            <Link
              to="/p"
              search={{ folder: folder.id }}
              className="touch min-w-0 grow truncate rounded-xs font-medium underline-offset-4 hover:underline"
            >
              {folder.name}
            </Link>
            <Menu
              trigger={<IconButton icon={Ellipsis} size="sm" label={t("moreFor", { name: folder.name })} />}
              entries={dialogs.entries(asFolder(folder))}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
