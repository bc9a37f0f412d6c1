import type { Schemas } from "@/shared/api/client";

export type Tab = Schemas["DeskTab"];
type Panel = Required<Schemas["Inspector"]>;
/** The second sheet beside the one of the active tab. */
type Split = { readonly second: string | null; readonly share: number; readonly front: Sheet };
export type Sheet = Required<Schemas["Split"]>["front"];

/** What the server keeps, with everything filled in that it may leave out. */
export interface Desk {
  readonly tabs: readonly Tab[];
  readonly active: string | null;
  readonly closed: readonly Tab[];
  readonly sidebar: Required<Schemas["Sidebar"]>;
  readonly inspector: Panel;
  readonly split: Split;
}

export const CLOSED_LIMIT = 20;

export const emptyDesk: Desk = {
  tabs: [],
  active: null,
  closed: [],
  sidebar: { open: true, width: 260, unfolded: [] },
  inspector: { open: true, width: 440 },
  split: { second: null, share: 50, front: "main" },
};

export function deskOf(read: Omit<Schemas["DeskRead"], "version">): Desk {
  return {
    tabs: read.tabs,
    active: read.active ?? null,
    closed: read.closed ?? [],
    sidebar: { ...emptyDesk.sidebar, ...read.sidebar },
    inspector: { ...emptyDesk.inspector, ...read.inspector },
    split: { ...emptyDesk.split, ...read.split },
  };
}

export function toServer(desk: Desk): Schemas["DeskChange"] {
  return { ...desk, tabs: [...desk.tabs], closed: [...desk.closed] };
}

/** Where someone goes: the address, and which tab it belongs to. */
export interface Visit {
  readonly path: string;
  readonly key: string;
  readonly title: string;
  readonly icon: string | null;
}

/** As many as the server keeps; past it the tab that was opened first makes room. */
export const OPEN_LIMIT = 50;
export const UNFOLDED_LIMIT = 500;
const TITLE_LIMIT = 300;

/** A tab's id is its key, and "key--2" for a second tab of the same kind, so that devices agree without asking. */
export const keyOfTab = (id: string) => id.replace(/--\d+$/, "");

/** Keys are made of what ids may hold. */
export const tabKey = (text: string) =>
  text
    .replaceAll(/[^A-Za-z0-9_]+/g, "-")
    .replaceAll(/^-|-$/g, "")
    .slice(0, 56) || "tab";

function makeTab(desk: Desk, to: Visit): Tab {
  return { id: freeId(desk, to.key), path: to.path, title: to.title.slice(0, TITLE_LIMIT), icon: to.icon, state: null };
}

function freeId(desk: Desk, key: string): string {
  const taken = new Set(desk.tabs.map((tab) => tab.id));
  if (!taken.has(key)) return key;
  let number = 2;
  while (taken.has(`${key}--${number}`)) number += 1;
  return `${key}--${number}`;
}

function insertAfter(tabs: readonly Tab[], after: string | null, tab: Tab): Tab[] {
  const index = tabs.findIndex((candidate) => candidate.id === after);
  return index < 0 ? [...tabs, tab] : [...tabs.slice(0, index + 1), tab, ...tabs.slice(index + 1)];
}

/**
 * The person is at an address. It belongs to the tab in front when that is of the same kind, else to an open tab
 * of that kind, else to a new one beside the tab in front. A tab that the other half of a split view shows is `taken`.
 */
export function visit(
  desk: Desk,
  to: Visit,
  shown: string | null = desk.active,
  taken: string | null = null,
): { desk: Desk; tab: string } {
  const fitting = desk.tabs.filter((tab) => keyOfTab(tab.id) === to.key && tab.id !== taken);
  const home = fitting.find((tab) => tab.id === shown) ?? fitting.find((tab) => tab.path === to.path) ?? fitting[0];
  if (home) return { desk: setPath(desk, home.id, to), tab: home.id };
  const tab = makeTab(desk, to);
  return { desk: withRoom({ ...desk, tabs: insertAfter(desk.tabs, shown, tab) }, [tab.id, shown]), tab: tab.id };
}

function withRoom(desk: Desk, needed: readonly (string | null)[]): Desk {
  if (desk.tabs.length <= OPEN_LIMIT) return desk;
  const shown = [desk.active, desk.split.second];
  const oldest = desk.tabs.find((tab) => !shown.includes(tab.id) && !needed.includes(tab.id));
  return oldest ? close(desk, oldest.id).desk : desk;
}

function setPath(desk: Desk, id: string, to: Visit): Desk {
  const tab = desk.tabs.find((candidate) => candidate.id === id);
  if (!tab || tab.path === to.path) return desk;
  return {
    ...desk,
    tabs: desk.tabs.map((candidate) => (candidate.id === id ? { ...candidate, path: to.path } : candidate)),
  };
}

/** A tab of its own, whatever is open already. */
export function openNew(desk: Desk, to: Visit): { desk: Desk; tab: string } {
  const tab = makeTab(desk, to);
  return { desk: withRoom({ ...desk, tabs: insertAfter(desk.tabs, desk.active, tab) }, [tab.id]), tab: tab.id };
}

/** Brings a tab to the main sheet. The one that the second sheet shows changes places with it. */
export function activate(desk: Desk, id: string): Desk {
  if (desk.active === id) return desk;
  return withSecond({ ...desk, active: id }, desk.split.second === id ? desk.active : desk.split.second);
}

/** Puts a tab beside the active one, or ends the split view with null. */
export function withSecond(desk: Desk, id: string | null): Desk {
  if (desk.split.second === id) return desk;
  return { ...desk, split: { ...desk.split, second: id, front: id === null ? "main" : desk.split.front } };
}

export function bringToFront(desk: Desk, sheet: Sheet): Desk {
  const front = desk.split.second === null ? "main" : sheet;
  return desk.split.front === front ? desk : { ...desk, split: { ...desk.split, front } };
}

export function setShare(desk: Desk, share: number): Desk {
  return desk.split.share === share ? desk : { ...desk, split: { ...desk.split, share } };
}

/** Closes a tab and says which one comes forward: the right neighbour, else the left. No tab is on two sheets. */
export function close(desk: Desk, id: string): { desk: Desk; next: Tab | null } {
  const index = desk.tabs.findIndex((tab) => tab.id === id);
  const tab = desk.tabs[index];
  if (!tab) return { desk, next: desk.tabs.find((candidate) => candidate.id === desk.active) ?? null };
  const tabs = desk.tabs.filter((candidate) => candidate.id !== id);
  const next =
    desk.active === id
      ? (tabs[Math.min(index, tabs.length - 1)] ?? null)
      : (tabs.find((candidate) => candidate.id === desk.active) ?? null);
  const closed = [tab, ...desk.closed.filter((entry) => entry.path !== tab.path)].slice(0, CLOSED_LIMIT);
  const left = { ...desk, tabs, closed, active: next?.id ?? null };
  const { second } = desk.split;
  return { desk: second === id || second === left.active ? withSecond(left, null) : left, next };
}

/** Brings back a closed tab, the last one unless another is named. */
export function reopen(desk: Desk, id?: string): { desk: Desk; tab: Tab | null } {
  const found = id === undefined ? desk.closed[0] : desk.closed.find((tab) => tab.id === id);
  if (!found) return { desk, tab: null };
  const tab = { ...found, id: freeId(desk, keyOfTab(found.id)) };
  return {
    desk: {
      ...desk,
      tabs: insertAfter(desk.tabs, desk.active, tab),
      closed: desk.closed.filter((entry) => entry !== found),
      active: tab.id,
    },
    tab,
  };
}

/** Puts a tab where another one is. */
export function move(desk: Desk, id: string, index: number): Desk {
  const tab = desk.tabs.find((candidate) => candidate.id === id);
  if (!tab) return desk;
  const rest = desk.tabs.filter((candidate) => candidate.id !== id);
  const place = Math.max(0, Math.min(rest.length, index));
  const tabs = [...rest.slice(0, place), tab, ...rest.slice(place)];
  return tabs.every((candidate, at) => candidate === desk.tabs[at]) ? desk : { ...desk, tabs };
}

export function name(desk: Desk, id: string, fullTitle: string, state: string | null): Desk {
  const title = fullTitle.slice(0, TITLE_LIMIT);
  const tab = desk.tabs.find((candidate) => candidate.id === id);
  if (!tab || (tab.title === title && (tab.state ?? null) === state)) return desk;
  return {
    ...desk,
    tabs: desk.tabs.map((candidate) => (candidate.id === id ? { ...candidate, title, state } : candidate)),
  };
}

/** Places are called what they are called in the reader's language; things keep the name they were given. */
export function named(desk: Desk, nameOf: (tab: { path: string; title: string }) => string): Desk {
  const anew = <T extends { path: string; title: string }>(tab: T): T => {
    const title = nameOf(tab);
    return title === tab.title ? tab : { ...tab, title };
  };
  const [tabs, closed] = [desk.tabs.map(anew), desk.closed.map(anew)];
  const isSame = tabs.every((tab, at) => tab === desk.tabs[at]) && closed.every((tab, at) => tab === desk.closed[at]);
  return isSame ? desk : { ...desk, tabs, closed };
}

export function neighbour(desk: Desk, step: 1 | -1): Tab | null {
  const index = desk.tabs.findIndex((tab) => tab.id === desk.active);
  if (desk.tabs.length === 0) return null;
  return desk.tabs[(index + step + desk.tabs.length) % desk.tabs.length] ?? null;
}

/**
 * Two devices changed the desk since `base`. What either opened stays open, what either closed stays closed;
 * of two changes to one thing ours wins. Each device keeps its own tab in front, and what lies beside it is shared.
 */
export function merge(base: Desk, ours: Desk, theirs: Desk): Desk {
  const baseTabs = new Map(base.tabs.map((tab) => [tab.id, tab]));
  const ourTabs = new Map(ours.tabs.map((tab) => [tab.id, tab]));
  const theirTabs = new Map(theirs.tabs.map((tab) => [tab.id, tab]));
  const merged: Tab[] = [];
  const keep = (id: string) => {
    const our = ourTabs.get(id);
    const their = theirTabs.get(id);
    const original = baseTabs.get(id);
    if (our && their) merged.push(original && sameTab(our, original) ? their : our);
    else if (our && !original) merged.push(our);
    else if (their && !original) merged.push(their);
  };
  const weMoved = !sameOrder(base, ours);
  const [first, second] = weMoved ? [ours, theirs] : [theirs, ours];
  for (const tab of first.tabs) keep(tab.id);
  for (const tab of second.tabs) {
    if (!merged.some((candidate) => candidate.id === tab.id)) keep(tab.id);
  }
  const weClosed = ours.closed.some((tab) => !base.closed.some((other) => other.path === tab.path));
  const closed = (weClosed ? [...ours.closed, ...theirs.closed] : theirs.closed)
    .filter((tab, index, all) => all.findIndex((other) => other.path === tab.path) === index)
    .filter((tab) => !merged.some((open) => open.id === tab.id && open.path === tab.path))
    .slice(0, CLOSED_LIMIT);
  const stillOpen = (id: string | null) => (id !== null && merged.some((tab) => tab.id === id) ? id : null);
  const active = stillOpen(ours.active) ?? stillOpen(theirs.active) ?? merged[0]?.id ?? null;
  const desk: Desk = {
    tabs: merged,
    active,
    closed,
    sidebar: samePanel(ours.sidebar, base.sidebar) ? theirs.sidebar : ours.sidebar,
    inspector: samePanel(ours.inspector, base.inspector) ? theirs.inspector : ours.inspector,
    split: { ...ours.split, share: (ours.split.share === base.split.share ? theirs : ours).split.share },
  };
  const beside = stillOpen((splitsAlike(ours, base) ? theirs : ours).split.second);
  if (beside !== active) return withSecond(desk, beside);
  // What is beside there may be in front here: the same two sheets, the other way round.
  const mirrored = stillOpen(theirs.active);
  return withSecond(desk, mirrored === active ? null : mirrored);
}

export const splitsAlike = (a: Desk, b: Desk) => a.split.second === b.split.second;

/** Whether two desks look the same but for the sheets, which each device has in its own order. */
export function isSameButSheets(a: Desk, b: Desk): boolean {
  const same = (one: readonly Tab[], other: readonly Tab[]) =>
    one.length === other.length && one.every((tab, index) => tab.id === other[index]?.id && sameTab(tab, other[index]));
  return (
    same(a.tabs, b.tabs) &&
    same(a.closed, b.closed) &&
    samePanel(a.sidebar, b.sidebar) &&
    samePanel(a.inspector, b.inspector) &&
    a.split.share === b.split.share
  );
}

const sameTab = (a: Tab, b: Tab) => a.path === b.path && a.title === b.title && (a.state ?? null) === (b.state ?? null);
const samePanel = (a: Panel, b: Panel) => a.open === b.open && a.width === b.width;

function sameOrder(a: Desk, b: Desk): boolean {
  const common = a.tabs.filter((tab) => b.tabs.some((other) => other.id === tab.id)).map((tab) => tab.id);
  const inB = b.tabs.filter((tab) => common.includes(tab.id)).map((tab) => tab.id);
  return common.every((id, index) => inB[index] === id);
}
