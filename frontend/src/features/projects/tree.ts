import { asFolder, asProject, type Folder, mayEdit, type Project, parentOf, type Thing } from "@/shared/projects/api";
import { within } from "@/shared/projects/folders";

export type Side = "mine" | "others";

/** The projects of one place as far as they are known: undefined while they are on their way. */
export interface Branch {
  readonly projects: readonly Project[];
  /** There are more of them than a tree should show. */
  readonly hasMore: boolean;
}

export type Row =
  | { readonly row: "caption"; readonly id: string; readonly side: Side }
  | {
      readonly row: "thing";
      readonly id: string;
      readonly thing: Thing;
      readonly level: number;
      readonly place: number;
      readonly siblings: number;
      readonly isOpen: boolean | null;
    }
  | {
      readonly row: "note";
      readonly id: string;
      readonly level: number;
      readonly folder: string | null;
      readonly note: "loading" | "empty" | "more";
    };

export type ThingRow = Extract<Row, { row: "thing" }>;

export const branchKey = (folder: string | null, side: Side) => folder ?? `top-${side}`;

/** What the tree shows from above to below: folders before projects, and what stands in open ones under them. */
export function rowsOf(
  folders: readonly Folder[],
  branches: ReadonlyMap<string, Branch>,
  open: ReadonlySet<string>,
): Row[] {
  const known = new Set(folders.map(({ id }) => id));
  const below = new Map<string, Folder[]>();
  for (const folder of folders) {
    // A folder whose own one is in the archive, and so not here, stands at the top.
    const parent = folder.parent_id && known.has(folder.parent_id) ? folder.parent_id : null;
    const key = branchKey(parent, folder.role === "owner" ? "mine" : "others");
    below.set(key, [...(below.get(key) ?? []), folder]);
  }
  // Answers of the server may be from different moments: of a project that was moved, the newest tells where it is.
  const newest = new Map<string, Project>();
  for (const { projects } of branches.values()) {
    for (const project of projects) {
      const known = newest.get(project.id);
      if (!known || known.version < project.version) newest.set(project.id, project);
    }
  }
  const rows: Row[] = [];
  const put = (folder: string | null, side: Side, level: number) => {
    const key = branchKey(folder, side);
    const branch = branches.get(key);
    const things = [
      ...(below.get(key) ?? []).map(asFolder),
      ...(branch?.projects ?? []).filter((each) => newest.get(each.id) === each).map(asProject),
    ];
    things.forEach((thing, index) => {
      const isOpen = thing.sort === "folder" ? open.has(thing.id) : null;
      rows.push({ row: "thing", id: thing.id, thing, level, place: index + 1, siblings: things.length, isOpen });
      if (isOpen) put(thing.id, side, level + 1);
    });
    const note = !branch ? "loading" : branch.hasMore ? "more" : things.length === 0 && folder ? "empty" : null;
    if (note) rows.push({ row: "note", id: `${note} ${key}`, level, folder, note });
  };
  for (const side of ["mine", "others"] as const) {
    const key = branchKey(null, side);
    const isEmpty = !below.has(key) && !branches.get(key)?.projects.length;
    if (isEmpty && (side === "others" || branches.has(key))) continue;
    rows.push({ row: "caption", id: key, side });
    put(null, side, 1);
  }
  return rows;
}

/** Where something goes when it is let go: into a folder, or behind a sibling; null: first of them. */
export interface Goal {
  readonly parent: string | null;
  readonly after?: string | null;
}

export type Zone = "before" | "on" | "after";

/** What part of a row the pointer is over. Only folders take something in. */
export function zoneAt(share: number, over: Thing, dragged: Thing): Zone {
  if (over.sort === "folder") {
    if (dragged.sort !== "folder") return "on";
    return share < 0.25 ? "before" : share > 0.75 ? "after" : "on";
  }
  return share < 0.5 ? "before" : "after";
}

/** Null where it may not go: into somebody else's tree, into itself, or where one may not change anything. */
export function goalOf(
  dragged: Thing,
  over: ThingRow | "top",
  zone: Zone,
  rows: readonly Row[],
  folders: readonly Folder[],
): Goal | null {
  if (over === "top") return dragged.role === "owner" && parentOf(dragged) !== null ? { parent: null } : null;
  const { thing } = over;
  if (thing.id === dragged.id || thing.role !== dragged.role || !mayEdit(dragged)) return null;
  const parent = zone === "on" && thing.sort === "folder" ? thing.id : parentOf(thing);
  // The top of somebody else's tree is out of sight, and its order is theirs.
  if (parent === null && dragged.role !== "owner") return null;
  if (dragged.sort === "folder" && parent !== null && within(dragged.id, folders).has(parent)) return null;
  if (zone === "on" || thing.sort !== dragged.sort) return parent === parentOf(dragged) ? null : { parent };
  const siblings = siblingsOf(thing, rows).filter(({ id }) => id !== dragged.id);
  const index = siblings.findIndex(({ id }) => id === thing.id);
  return { parent, after: zone === "after" ? thing.id : (siblings[index - 1]?.id ?? null) };
}

/** Those of its sort that stand beside it, itself among them. */
export function siblingsOf(thing: Thing, rows: readonly Row[]): Thing[] {
  const parent = parentOf(thing);
  return rows.flatMap((row) =>
    row.row === "thing" &&
    row.thing.sort === thing.sort &&
    row.thing.role === thing.role &&
    parentOf(row.thing) === parent
      ? [row.thing]
      : [],
  );
}

/** One step up or down among its siblings; null at the end. */
export function stepOf(thing: Thing, by: 1 | -1, rows: readonly Row[]): Goal | null {
  const siblings = siblingsOf(thing, rows);
  const index = siblings.findIndex(({ id }) => id === thing.id);
  if (index + by < 0 || index + by >= siblings.length) return null;
  const parent = parentOf(thing);
  return { parent, after: (by === 1 ? siblings[index + 1]?.id : siblings[index - 2]?.id) ?? null };
}

/** Where it stands now, so that a move can be undone. */
export function placeOf(thing: Thing, rows: readonly Row[]): Goal {
  const siblings = siblingsOf(thing, rows);
  const index = siblings.findIndex(({ id }) => id === thing.id);
  return { parent: parentOf(thing), after: siblings[index - 1]?.id ?? null };
}

/** Which row the keys lead to, by the pattern for trees: to the left is out, to the right is in. */
export function stepTo(
  key: string,
  here: string,
  rows: readonly Row[],
): { readonly to: string } | { readonly open: string } | { readonly close: string } | null {
  const things = rows.filter((row) => row.row === "thing");
  const index = things.findIndex(({ id }) => id === here);
  const row = things[index];
  if (!row) return things[0] ? { to: things[0].id } : null;
  const to = (target: ThingRow | undefined) => (target ? { to: target.id } : null);
  switch (key) {
    case "ArrowDown":
      return to(things[index + 1]);
    case "ArrowUp":
      return to(things[index - 1]);
    case "Home":
      return to(things[0]);
    case "End":
      return to(things.at(-1));
    case "ArrowRight": {
      if (row.isOpen === false) return { open: row.id };
      const next = things[index + 1];
      return row.isOpen && next && next.level > row.level ? to(next) : null;
    }
    case "ArrowLeft":
      if (row.isOpen) return { close: row.id };
      return to(things.slice(0, index).findLast(({ level }) => level < row.level));
    default:
      return null;
  }
}
