import { ChevronRight, Ellipsis } from "lucide-react";
import { type DragEvent, type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import { Link } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { mayEdit, type Thing } from "@/shared/projects/api";
import { ThingIcon } from "@/shared/projects/marks";
import { thingTexts } from "@/shared/projects/texts";
import { IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { ContextMenu, Menu, type MenuEntry } from "@/shared/ui/menu";
import { Spinner, useLate } from "@/shared/ui/spinner";
import { projectsTexts } from "./texts";
import { type Row, stepTo, type ThingRow, type Zone, zoneAt } from "./tree";

const OPENS_AFTER_MS = 700;

interface Props {
  readonly rows: readonly Row[];
  /** What the sheet shows: a project, or a folder in the list. */
  readonly here: string | null;
  readonly aside: (thing: Thing) => ReactNode;
  readonly entries: (thing: Thing, own: { rename: () => void }) => MenuEntry[];
  readonly onOpen: (thing: Thing, how: "here" | "background") => void;
  readonly onToggle: (folder: string, isOpen: boolean) => void;
  readonly onRename: (thing: Thing, name: string) => void;
  readonly onThrowAway: (thing: Thing) => void;
  readonly onStep: (thing: Thing, by: 1 | -1) => void;
  /** Whether something may be let go here; doing it where `isDone`. */
  readonly onDrop: (dragged: Thing, over: ThingRow | "top", zone: Zone, isDone: boolean) => boolean;
}

/** Folders and projects as a tree with one place for the focus in it. What dragging does, the menus do as well. */
export function FolderTree(props: Props) {
  const { rows, here, onOpen, onToggle } = props;
  const t = useTexts(projectsTexts);
  const tree = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const [renaming, setRenaming] = useState<string | null>(null);
  const drag = useDrag(props);
  const things = rows.filter((row) => row.row === "thing");
  const stop = things.find(({ id }) => id === focused) ?? things.find(({ id }) => id === here) ?? things[0];

  const focus = (id: string) => {
    setFocused(id);
    // It is drawn by now, or with the next paint.
    requestAnimationFrame(() => tree.current?.querySelector<HTMLElement>(`[data-id="${id}"]`)?.focus());
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    const id = target.dataset.id;
    const row = things.find((each) => each.id === id);
    if (!row || renaming) return;
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      props.onStep(row.thing, event.key === "ArrowDown" ? 1 : -1);
    } else if (event.altKey || event.ctrlKey || event.metaKey) {
      if (event.key !== "Enter") return;
      onOpen(row.thing, "background");
    } else if (event.key === "Enter" || event.key === " ") {
      onOpen(row.thing, "here");
    } else if (event.key === "F2" && mayEdit(row.thing)) {
      setRenaming(row.id);
    } else if (event.key === "Delete" && row.thing.role === "owner") {
      const next = things[things.indexOf(row) + 1] ?? things[things.indexOf(row) - 1];
      if (next) focus(next.id);
      props.onThrowAway(row.thing);
    } else {
      const step = stepTo(event.key, row.id, rows);
      if (!step) return;
      if ("to" in step) focus(step.to);
      else if ("open" in step) onToggle(step.open, true);
      else onToggle(step.close, false);
    }
    event.preventDefault();
    event.stopPropagation();
  };
  if (things.length === 0) {
    return rows.length > 0 ? null : <p className="px-2 py-3 text-muted-foreground">{t("noneTitle")}</p>;
  }
  return (
    <div ref={tree} role="tree" aria-label={t("tree")} onKeyDown={onKeyDown} className="pb-2">
      {rows.map((row) => {
        if (row.row === "caption") {
          const isTop = drag.isOverTop && row.side === "mine";
          return (
            <div
              key={row.id}
              role="none"
              {...(row.side === "mine" ? drag.top : {})}
              className={cx(
                "cap mt-2 flex h-7 items-center rounded-sm px-2",
                isTop && "bg-primary-tint text-primary-text",
              )}
            >
              {t(isTop ? "dropTop" : row.side)}
            </div>
          );
        }
        if (row.row === "note") return <NoteRow key={row.id} row={row} />;
        return (
          <TreeRow
            key={row.id}
            row={row}
            isHere={row.id === here}
            isStop={row === stop}
            isRenaming={renaming === row.id}
            zone={drag.over?.id === row.id ? drag.over.zone : null}
            drag={drag.of(row)}
            aside={props.aside(row.thing)}
            entries={props.entries(row.thing, { rename: () => setRenaming(row.id) })}
            onFocus={() => setFocused(row.id)}
            onOpen={(how) => onOpen(row.thing, how)}
            onToggle={() => onToggle(row.id, !row.isOpen)}
            onRename={(name) => {
              setRenaming(null);
              focus(row.id);
              if (name && name !== row.thing.name) props.onRename(row.thing, name);
            }}
          />
        );
      })}
    </div>
  );
}

const indent = (level: number) => ({ paddingLeft: `${(level - 1) * 1 + 0.125}rem` });

function TreeRow({
  row,
  isHere,
  isStop,
  isRenaming,
  zone,
  drag,
  aside,
  entries,
  onFocus,
  onOpen,
  onToggle,
  onRename,
}: {
  row: ThingRow;
  isHere: boolean;
  isStop: boolean;
  isRenaming: boolean;
  zone: Zone | null;
  drag: object;
  aside: ReactNode;
  entries: MenuEntry[];
  onFocus: () => void;
  onOpen: (how: "here" | "background") => void;
  onToggle: () => void;
  onRename: (name: string) => void;
}) {
  const t = useTexts(projectsTexts);
  const w = useTexts(thingTexts);
  const { thing } = row;
  return (
    <ContextMenu entries={entries}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keys of all rows are handled by the tree */}
      <div
        role="treeitem"
        data-id={row.id}
        aria-label={thing.name}
        aria-level={row.level}
        aria-posinset={row.place}
        aria-setsize={row.siblings}
        aria-expanded={row.isOpen ?? undefined}
        aria-selected={isHere}
        tabIndex={isStop ? 0 : -1}
        onFocus={(event) => event.target === event.currentTarget && onFocus()}
        onClick={(event) => {
          // A menu of the row lives elsewhere in the page and only in React's tree below it.
          if (!event.currentTarget.contains(event.target as Node)) return;
          if ((event.target as HTMLElement).closest("button, input")) return;
          onOpen(event.ctrlKey || event.metaKey ? "background" : "here");
        }}
        onAuxClick={(event) => event.button === 1 && onOpen("background")}
        draggable={!isRenaming && mayEdit(thing)}
        {...drag}
        className={cx(
          "group relative flex h-[1.875rem] cursor-default items-center gap-1 rounded-sm pr-1 select-none focus-visible:-outline-offset-2 max-md:h-11 pointer-coarse:h-11 data-popup-open:bg-hover",
          isHere ? "bg-selected font-medium" : "hover:bg-hover",
          zone === "on" && "bg-primary-tint outline-2 -outline-offset-2 outline-primary-line",
        )}
        style={indent(row.level)}
      >
        {zone === "before" || zone === "after" ? (
          <span
            aria-hidden="true"
            className={cx(
              "absolute inset-x-1 h-0.5 rounded-full bg-primary",
              zone === "before" ? "-top-px" : "-bottom-px",
            )}
          />
        ) : null}
        {row.isOpen === null ? (
          <span className="w-5 flex-none" />
        ) : (
          <button
            type="button"
            tabIndex={-1}
            aria-label={t("toggle", { name: thing.name })}
            onClick={onToggle}
            className="touch grid size-5 flex-none place-items-center rounded-xs text-faint hover:text-foreground"
          >
            <Icon
              icon={ChevronRight}
              size={14}
              className={cx("transition-transform duration-[120ms]", row.isOpen && "rotate-90")}
            />
          </button>
        )}
        <ThingIcon thing={thing} className={isHere && !thing.colour ? "!text-primary-text" : undefined} />
        {isRenaming ? (
          <RenameField name={thing.name} onDone={onRename} />
        ) : (
          <>
            <span className="min-w-0 grow truncate pl-1" title={thing.name}>
              {thing.name}
            </span>
            <span className="num flex-none pl-1 text-2xs text-muted-foreground group-focus-within:hidden group-hover:hidden pointer-coarse:hidden">
              {aside}
            </span>
            <span className="hidden group-focus-within:flex group-hover:flex group-data-popup-open:flex has-data-popup-open:flex pointer-coarse:flex">
              <Menu
                trigger={
                  <IconButton
                    icon={Ellipsis}
                    size="sm"
                    label={w("moreFor", { name: thing.name })}
                    tabIndex={isStop ? 0 : -1}
                  />
                }
                entries={entries}
              />
            </span>
          </>
        )}
      </div>
    </ContextMenu>
  );
}

function RenameField({ name, onDone }: { name: string; onDone: (name: string) => void }) {
  const t = useTexts(projectsTexts);
  const done = useRef(false);
  const finish = (text: string) => {
    if (done.current) return;
    done.current = true;
    onDone(text.trim().slice(0, 200));
  };
  return (
    <input
      // biome-ignore lint/a11y/noAutofocus: whoever asks for a new name wants to type it
      autoFocus
      aria-label={t("rename", { name })}
      defaultValue={name}
      onFocus={(event) => event.target.select()}
      onBlur={(event) => finish(event.target.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") finish(event.currentTarget.value);
        else if (event.key === "Escape") finish(name);
      }}
      className="ml-1 h-6 min-w-0 grow rounded-xs border border-border-strong bg-raised px-1 pointer-coarse:h-9 pointer-coarse:text-[1rem]"
    />
  );
}

function NoteRow({ row }: { row: Extract<Row, { row: "note" }> }) {
  const t = useTexts(projectsTexts);
  const late = useLate(row.note === "loading", 400);
  const look = "flex h-[1.875rem] items-center gap-2 pl-6 text-xs text-muted-foreground";
  if (row.note === "loading") {
    return (
      <div role="none" className={look} style={indent(row.level)}>
        {late ? <Spinner size={13} /> : null}
      </div>
    );
  }
  return (
    <div role="none" className={look} style={{ paddingLeft: `${row.level + 0.75}rem` }}>
      {row.note === "empty" ? (
        t("emptyFolder")
      ) : (
        <Link
          to="/p"
          search={row.folder ? { folder: row.folder } : {}}
          className="touch rounded-xs underline-offset-4 hover:text-foreground hover:underline"
        >
          {t("moreInList")}
        </Link>
      )}
    </div>
  );
}

/** The browser's own dragging. The goal is shown where letting go would do something, and nowhere else. */
function useDrag({ onDrop, onToggle }: Props) {
  const dragged = useRef<Thing | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [over, setOver] = useState<{ id: string; zone: Zone } | null>(null);
  const [isOverTop, setOverTop] = useState(false);
  const end = () => {
    clearTimeout(timer.current);
    setOver(null);
    setOverTop(false);
  };
  const allow = (event: DragEvent<HTMLElement>) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
  };
  const zoneOf = (event: DragEvent<HTMLElement>, row: ThingRow, thing: Thing) => {
    const box = event.currentTarget.getBoundingClientRect();
    return zoneAt((event.clientY - box.top) / box.height, row.thing, thing);
  };
  return {
    over,
    isOverTop,
    of: (row: ThingRow) => ({
      onDragStart: (event: DragEvent<HTMLElement>) => {
        dragged.current = row.thing;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", row.thing.name);
      },
      onDragEnd: () => {
        dragged.current = null;
        end();
      },
      onDragOver: (event: DragEvent<HTMLElement>) => {
        const thing = dragged.current;
        if (!thing) return;
        const zone = zoneOf(event, row, thing);
        if (!onDrop(thing, row, zone, false)) return end();
        allow(event);
        if (over?.id === row.id && over.zone === zone) return;
        clearTimeout(timer.current);
        setOver({ id: row.id, zone });
        if (zone === "on" && row.isOpen === false)
          timer.current = setTimeout(() => onToggle(row.id, true), OPENS_AFTER_MS);
      },
      onDragLeave: end,
      onDrop: (event: DragEvent<HTMLElement>) => {
        event.preventDefault();
        const thing = dragged.current;
        end();
        if (thing) onDrop(thing, row, zoneOf(event, row, thing), true);
      },
    }),
    top: {
      onDragOver: (event: DragEvent<HTMLElement>) => {
        if (!dragged.current || !onDrop(dragged.current, "top", "on", false)) return;
        allow(event);
        setOverTop(true);
      },
      onDragLeave: end,
      onDrop: (event: DragEvent<HTMLElement>) => {
        event.preventDefault();
        end();
        if (dragged.current) onDrop(dragged.current, "top", "on", true);
      },
    },
  };
}
