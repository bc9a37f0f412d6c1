import { keepPreviousData, useInfiniteQuery, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "@tanstack/react-router";
import { Archive, Files, FolderPlus, Layers, Plus, Search, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { SidebarCaption, SidebarHead, SidebarNav, SidebarRow, SidebarSearch } from "@/shared/frame/sidebar";
import { useWorkspace } from "@/shared/frame/workspace";
import { today } from "@/shared/i18n/days";
import { formatMoney } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import {
  branchQuery,
  deeds,
  foldersQuery,
  parentOf,
  projectQuery,
  projectsQuery,
  type Thing,
  useDeed,
} from "@/shared/projects/api";
import { useDeeds } from "@/shared/projects/deeds";
import { pathTo } from "@/shared/projects/folders";
import { iconOf, kindIcons } from "@/shared/projects/kinds";
import { thingTexts } from "@/shared/projects/texts";
import { periodOf } from "@/shared/receipts/period";
import { IconButton } from "@/shared/ui/button";
import { Menu } from "@/shared/ui/menu";
import { ErrorState, LoadingBars } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { costsQuery } from "./api";
import { FolderTree } from "./FolderTree";
import { useWaiting } from "./search";
import { projectsTexts } from "./texts";
import { type Branch, branchKey, type Goal, goalOf, placeOf, rowsOf, type Side, stepOf } from "./tree";

export default function ProjectsSidebar() {
  const t = useTexts(projectsTexts);
  const w = useTexts(thingTexts);
  const workspace = useWorkspace();
  const [query, setQuery] = useState("");
  const here = useHere();
  const { pathname, search } = useLocation();
  const isArchive = pathname === "/p" && "archived" in search;
  const isList = pathname === "/p" && here === null && !isArchive;
  const dialogs = useDeeds({
    onProject: (project) => workspace.open(`/p/${project.id}`),
    onFolder: (folder) => workspace.open(`/p?folder=${folder.id}`),
    onGone: (thing) => thing.id === here && workspace.open("/p"),
  });
  const { data: folders = [] } = useQuery(foldersQuery);
  // New things begin where one is, if that is a folder one may change.
  const inside = folders.find(({ id, role }) => id === here && role !== "viewer")?.id ?? null;
  return (
    <>
      <SidebarHead
        title={t("projects")}
        actions={
          <Menu
            trigger={<IconButton icon={Plus} label={t("add")} />}
            entries={[
              { label: w("newProject"), icon: Layers, onSelect: () => dialogs.ask({ for: "project", folder: inside }) },
              {
                label: w("newFolder"),
                icon: FolderPlus,
                onSelect: () => dialogs.ask({ for: "folder", folder: inside }),
              },
            ]}
          />
        }
      />
      <SidebarSearch label={t("searchProjects")} value={query} onChange={setQuery} />
      <SidebarNav label={t("projects")}>
        {query.trim() ? (
          <Found query={query.trim()} here={here} />
        ) : (
          <>
            <SidebarRow to="/p" current={isList} icon={Layers}>
              {t("allProjects")}
            </SidebarRow>
            <SidebarRow to="/documents" icon={Files}>
              {t("allDocuments")}
            </SidebarRow>
            <SidebarRow to="/search" icon={Search}>
              {t("searchDocuments")}
            </SidebarRow>
            <Pinned here={here} />
            <Tree here={here} dialogs={dialogs} />
            <div className="mt-2 border-t border-border-soft pt-2 pb-3">
              <SidebarRow to="/p" search={{ archived: "yes" }} current={isArchive} icon={Archive}>
                {t("archive")}
              </SidebarRow>
              <SidebarRow to="/trash" icon={Trash2}>
                {t("trash")}
              </SidebarRow>
            </div>
          </>
        )}
      </SidebarNav>
      {dialogs.dialog}
    </>
  );
}

/** The project on the sheet, or the folder whose list it shows. */
function useHere(): string | null {
  const { pathname, search } = useLocation();
  const folder = (search as { folder?: unknown }).folder;
  if (pathname === "/p") return typeof folder === "string" ? folder : null;
  return /^\/p\/([^/]+)/.exec(pathname)?.[1] ?? null;
}

function Pinned({ here }: { here: string | null }) {
  const t = useTexts(projectsTexts);
  const { data: folders = [] } = useQuery(foldersQuery);
  const pinned = useInfiniteQuery(projectsQuery({ pinned: true, sort: "name" }));
  const inside = folders.filter(({ is_pinned }) => is_pinned);
  const items = pinned.data?.pages[0]?.items ?? [];
  if (items.length + inside.length === 0) return null;
  return (
    <>
      <SidebarCaption>{t("pinned")}</SidebarCaption>
      {inside.map((folder) => (
        <SidebarRow
          key={folder.id}
          to="/p"
          search={{ folder: folder.id }}
          current={folder.id === here}
          icon={iconOf({ sort: "folder", ...folder })}
        >
          {folder.name}
        </SidebarRow>
      ))}
      {items.map((project) => (
        <SidebarRow key={project.id} to={`/p/${project.id}`} icon={kindIcons[project.kind]} exact={false}>
          {project.name}
        </SidebarRow>
      ))}
    </>
  );
}

/** Whatever has these words in its name, wherever it stands. */
function Found({ query, here }: { query: string; here: string | null }) {
  const t = useTexts(projectsTexts);
  const search = useWaiting(query);
  const { data: folders = [] } = useQuery(foldersQuery);
  const found = useInfiniteQuery({ ...projectsQuery({ search, sort: "name" }), placeholderData: keepPreviousData });
  const words = search.toLowerCase().split(/\s+/);
  const inside = folders.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  const items = found.data?.pages.flatMap((page) => page.items) ?? [];
  if (found.isError && !found.data) return <ErrorState error={found.error} onRetry={() => void found.refetch()} />;
  return (
    <>
      <div role="status" className="cap flex h-7 items-center px-2">
        {found.data ? t("found", { count: items.length + inside.length }) : null}
      </div>
      {inside.map((folder) => (
        <SidebarRow
          key={folder.id}
          to="/p"
          search={{ folder: folder.id }}
          current={folder.id === here}
          icon={iconOf({ sort: "folder", ...folder })}
        >
          {folder.name}
        </SidebarRow>
      ))}
      {items.map((project) => (
        <SidebarRow key={project.id} to={`/p/${project.id}`} icon={kindIcons[project.kind]} exact={false}>
          {project.name}
        </SidebarRow>
      ))}
    </>
  );
}

function Tree({ here, dialogs }: { here: string | null; dialogs: ReturnType<typeof useDeeds> }) {
  const t = useTexts(thingTexts);
  const p = useTexts(projectsTexts);
  const locale = useLocale();
  const workspace = useWorkspace();
  const client = useQueryClient();
  const folders = useQuery(foldersQuery);
  const { unfolded, unfold: setUnfolded } = workspace;
  const open = new Set(unfolded);
  const places: [string, string, Side?][] = [
    [branchKey(null, "mine"), "none", "mine"],
    [branchKey(null, "others"), "none", "others"],
    ...unfolded.map((id): [string, string] => [id, id]),
  ];
  const branches = useQueries({
    queries: places.map(([, folder, side]) => branchQuery(folder, side)),
    combine: (answers) =>
      new Map(
        answers.flatMap(({ data }, index): [string, Branch][] => {
          const key = places[index]?.[0];
          return data && key ? [[key, { projects: data.items, hasMore: data.next_cursor !== null }]] : [];
        }),
      ),
  });
  const { data: costs } = useQuery(costsQuery(periodOf("month", today(locale.timeZone))));
  const rows = rowsOf(folders.data ?? [], branches, open);
  const toggle = (id: string, isOpen: boolean) =>
    setUnfolded(isOpen ? [...new Set([...unfolded, id])] : unfolded.filter((each) => each !== id));

  // What one looks at is unfolded, wherever one came from; what one folds up again stays so.
  const { data: project } = useQuery({
    ...projectQuery(here ?? ""),
    enabled: here !== null && !folders.data?.some(({ id }) => id === here),
  });
  const parent =
    folders.data?.find(({ id }) => id === here)?.parent_id ?? (project?.id === here ? project?.folder_id : null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only going somewhere unfolds the way to it
  useEffect(() => {
    const way = pathTo(parent ?? null, folders.data ?? []).map(({ id }) => id);
    if (way.some((id) => !open.has(id))) setUnfolded([...new Set([...unfolded, ...way])]);
  }, [here, parent]);

  const move = useDeed(({ thing, goal }: { thing: Thing; goal: Goal }) => deeds.move(thing, goal));
  const rename = useDeed(({ thing, name }: { thing: Thing; name: string }) => deeds.change(thing, { name }));
  const moveTo = (thing: Thing, goal: Goal) => {
    const before = placeOf(thing, rows);
    const place = folders.data?.find(({ id }) => id === goal.parent);
    const text =
      goal.parent === before.parent
        ? p("movedBy", { name: thing.name })
        : place
          ? t("moved", { name: thing.name, place: place.name })
          : t("movedTop", { name: thing.name });
    move.mutate(
      { thing, goal },
      { onSuccess: () => toast({ text, undo: () => move.mutateAsync({ thing, goal: before }) }) },
    );
  };
  if (folders.isError && !folders.data) {
    return (
      <ErrorState error={folders.error} onRetry={() => void client.invalidateQueries({ queryKey: ["projects"] })} />
    );
  }
  if (!folders.data) return <LoadingBars rows={6} />;
  return (
    <FolderTree
      rows={rows}
      here={here}
      aside={(thing) => {
        const cost = thing.sort === "project" ? costs?.items.find(({ key }) => key === thing.id)?.cost : null;
        return cost && cost.nano > 0 ? formatMoney(cost.nano, cost.currency, {}, locale) : null;
      }}
      entries={dialogs.entries}
      onOpen={(thing, how) => {
        workspace.open(thing.sort === "project" ? `/p/${thing.id}` : `/p?folder=${thing.id}`, how);
        if (thing.sort === "folder" && how === "here") toggle(thing.id, thing.id === here ? !open.has(thing.id) : true);
      }}
      onToggle={toggle}
      onRename={(thing, name) =>
        rename.mutate(
          { thing, name },
          {
            onSuccess: ({ version }) =>
              toast({
                text: t("renamed", { name }),
                undo: () => rename.mutateAsync({ thing: { ...thing, version }, name: thing.name }),
              }),
          },
        )
      }
      onThrowAway={dialogs.throwAway}
      onStep={(thing, by) => {
        const goal = stepOf(thing, by, rows);
        if (goal && (parentOf(thing) !== null || thing.role === "owner")) moveTo(thing, goal);
      }}
      onDrop={(thing, over, zone, isDone) => {
        const goal = goalOf(thing, over, zone, rows, folders.data);
        if (goal && isDone) moveTo(thing, goal);
        return goal !== null;
      }}
    />
  );
}
