import { Ellipsis, Pin, UsersRound } from "lucide-react";
import { type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import { Link } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { asProject, type Folder, type Project, type ProjectFilter, type Thing } from "@/shared/projects/api";
import { pathTo } from "@/shared/projects/folders";
import { ThingIcon } from "@/shared/projects/marks";
import { thingTexts } from "@/shared/projects/texts";
import { IconButton } from "@/shared/ui/button";
import { Icon } from "@/shared/ui/icons";
import { Menu, type MenuEntry } from "@/shared/ui/menu";
import { type Sort, Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { When } from "@/shared/ui/values";
import { useVirtualRows } from "@/shared/ui/virtual-rows";
import { projectsTexts } from "./texts";

type SortKey = NonNullable<ProjectFilter["sort"]>;

/** So many rows before its end the list is read on. */
const AHEAD = 20;

/** Of what may be ten thousand projects, the rows in sight. */
export function ProjectTable({
  projects,
  folders,
  inFolder,
  entries,
  onTag,
  sort,
  onSort,
  hasMore,
  onEnd,
}: {
  projects: readonly Project[];
  folders: readonly Folder[];
  inFolder: boolean;
  entries: (thing: Thing) => MenuEntry[];
  onTag: (tag: string) => void;
  sort: SortKey;
  onSort: (sort: SortKey) => void;
  hasMore: boolean;
  onEnd: () => void;
}) {
  const p = useTexts(projectsTexts);
  const body = useRef<HTMLTableSectionElement>(null);
  const [margin, setMargin] = useState(0);
  const scroller = () => body.current?.closest<HTMLElement>(".scroll") ?? null;
  const rows = useVirtualRows({ count: projects.length, rem: 2.5, scroller, margin });
  useLayoutEffect(() => {
    const frame = scroller();
    if (!frame || !body.current) return;
    setMargin(
      Math.round(body.current.getBoundingClientRect().top - frame.getBoundingClientRect().top + frame.scrollTop),
    );
  });
  const last = rows.items.at(-1)?.index ?? 0;
  useLayoutEffect(() => {
    if (hasMore && last >= projects.length - AHEAD) onEnd();
  });
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const here = Number((event.target as HTMLElement).dataset.row ?? Number.NaN);
    const targets: Record<string, number> = {
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      Home: 0,
      End: projects.length - 1,
    };
    const target = targets[event.key];
    if (Number.isNaN(here) || target === undefined) return;
    event.preventDefault();
    const next = Math.min(projects.length - 1, Math.max(0, target));
    rows.show(next);
    // It may have to be drawn first.
    requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus());
  };
  const head = (rising: SortKey, falling: SortKey, first: SortKey) => {
    const state: Sort = sort === rising ? "ascending" : sort === falling ? "descending" : "none";
    return { sort: state, onSort: () => onSort(state === "none" ? first : state === "ascending" ? falling : rising) };
  };
  return (
    <Table
      caption={p("listLabel")}
      onKeyDown={onKeyDown}
      className="table-fixed"
      aria-rowcount={hasMore ? -1 : projects.length + 1}
    >
      <TableHead>
        <Th {...head("name", "-name", "name")}>{p("nameHead")}</Th>
        <Th className="w-48 @max-3xl:hidden">{p("kindHead")}</Th>
        {inFolder ? null : <Th className="w-48 @max-4xl:hidden">{p("folderHead")}</Th>}
        <Th className="w-36 @max-2xl:hidden">{p("peopleHead")}</Th>
        <Th right className="w-32 @max-xl:hidden" {...head("updated_at", "-updated_at", "-updated_at")}>
          {p("changedHead")}
        </Th>
        <Th className="w-12">
          <span className="sr-only">{p("menuHead")}</span>
        </Th>
      </TableHead>
      <tbody ref={body}>
        <Room height={rows.above} />
        {rows.items.map(({ index }) => {
          const project = projects[index];
          return project ? (
            <ProjectRow
              key={project.id}
              index={index}
              project={project}
              folders={inFolder ? null : folders}
              entries={entries(asProject(project))}
              onTag={onTag}
            />
          ) : null;
        })}
        <Room height={rows.below} />
      </tbody>
    </Table>
  );
}

function Room({ height }: { height: number }) {
  return height > 0 ? (
    <tr>
      <td style={{ height }} />
    </tr>
  ) : null;
}

function ProjectRow({
  index,
  project,
  folders,
  entries,
  onTag,
}: {
  index: number;
  project: Project;
  /** Null where all of them stand in one. */
  folders: readonly Folder[] | null;
  entries: MenuEntry[];
  onTag: (tag: string) => void;
}) {
  const t = useTexts(thingTexts);
  const p = useTexts(projectsTexts);
  const way = folders
    ? pathTo(project.folder_id, folders)
        .map(({ name }) => name)
        .join(" / ")
    : "";
  return (
    <Tr aria-rowindex={index + 2}>
      <Td>
        <div className="flex min-w-0 items-center gap-2.5">
          <ThingIcon thing={asProject(project)} size={16} />
          <Link
            to={`/p/${project.id}`}
            data-row={index}
            title={project.description || undefined}
            className="touch min-w-0 truncate rounded-xs font-medium underline-offset-4 hover:underline"
          >
            {project.name}
          </Link>
          {project.is_pinned ? (
            <span className="flex text-faint" title={p("isPinned")}>
              <Icon icon={Pin} size={13} />
              <span className="sr-only">{p("isPinned")}</span>
            </span>
          ) : null}
          {project.is_shared ? (
            <span className="flex text-faint" title={p("isShared")}>
              <Icon icon={UsersRound} size={13} />
              <span className="sr-only">{p("isShared")}</span>
            </span>
          ) : null}
          {project.tags.slice(0, 3).map((tag) => (
            <button
              key={tag}
              type="button"
              onClick={() => onTag(tag)}
              className="flex-none rounded-xs bg-hover px-1.5 py-0.5 text-2xs text-muted-foreground hover:bg-selected hover:text-foreground @max-2xl:hidden"
            >
              {tag}
            </button>
          ))}
        </div>
      </Td>
      <Td className="truncate text-muted-foreground @max-3xl:hidden">{t(`kind.${project.kind}`)}</Td>
      {folders ? (
        <Td className="truncate text-muted-foreground @max-4xl:hidden" title={way || undefined}>
          {way || "–"}
        </Td>
      ) : null}
      <Td className="truncate text-muted-foreground @max-2xl:hidden">
        {project.owner ? (project.owner.name ?? p("ownerHidden")) : p("ownerMe")}
      </Td>
      <Td right className="text-muted-foreground @max-xl:hidden">
        <When at={project.updated_at} />
      </Td>
      <Td right>
        <Menu
          trigger={<IconButton icon={Ellipsis} size="sm" label={t("moreFor", { name: project.name })} />}
          entries={entries}
        />
      </Td>
    </Tr>
  );
}
