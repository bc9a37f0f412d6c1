import { describe, expect, it } from "vitest";
import { asFolder, asProject } from "@/shared/projects/api";
import { makeFolder, makeProject } from "./test-kit";
import { type Branch, goalOf, placeOf, type Row, rowsOf, stepOf, stepTo, type ThingRow, zoneAt } from "./tree";

const outer = makeFolder("outer");
const inner = makeFolder("inner", { parent_id: "outer" });
const closed = makeFolder("closed");
const theirs = makeFolder("theirs", { role: "editor", owner: { name: "Ada" } });
const folders = [outer, inner, closed, theirs];
const [deep, one, two, given] = [
  makeProject("deep", { folder_id: "inner" }),
  makeProject("one", { folder_id: "outer" }),
  makeProject("two", { folder_id: "outer" }),
  makeProject("given", { role: "viewer", owner: { name: "Ada" } }),
];
const branch = (...projects: Branch["projects"]): Branch => ({ projects, hasMore: false });
const branches = new Map([
  ["top-mine", branch()],
  ["top-others", branch(given)],
  ["outer", branch(one, two)],
  ["inner", branch(deep)],
]);
const rows = rowsOf(folders, branches, new Set(["outer", "inner"]));
const rowOf = (id: string) => rows.find((row) => row.id === id) as ThingRow;
const shape = (all: readonly Row[]) => all.map((row) => (row.row === "thing" ? `${row.level} ${row.id}` : row.id));

describe("the tree", () => {
  it("shows folders before projects, and under what is open what stands in it", () => {
    expect(shape(rows)).toEqual([
      "top-mine",
      "1 outer",
      "2 inner",
      "3 deep",
      "2 one",
      "2 two",
      "1 closed",
      "top-others",
      "1 theirs",
      "1 given",
    ]);
    expect(rowOf("two")).toMatchObject({ place: 3, siblings: 3, isOpen: null });
    expect(rowOf("closed").isOpen).toBe(false);
  });

  it("says what is on its way, what is empty and where there is more", () => {
    const some = new Map<string, Branch>([
      ["top-mine", { projects: [makeProject("first")], hasMore: true }],
      ["closed", branch()],
    ]);
    expect(shape(rowsOf([closed, outer], some, new Set(["closed", "outer"])))).toEqual([
      "top-mine",
      "1 closed",
      "empty closed",
      "1 outer",
      "loading outer",
      "1 first",
      "more top-mine",
    ]);
  });

  it("shows at the top what stands in a folder that is not among them", () => {
    const lost = makeFolder("lost", { parent_id: "archived" });
    expect(shape(rowsOf([lost], new Map([["top-mine", branch()]]), new Set()))).toEqual(["top-mine", "1 lost"]);
  });

  it("shows what was moved once, where the newest answer has it", () => {
    const moved = makeProject("one", { version: 2 });
    const mixed = new Map([...branches, ["top-mine", branch(moved)]]);
    const found = rowsOf(folders, mixed, new Set(["outer"])).filter(({ id }) => id === "one");
    expect(found).toMatchObject([{ level: 1, thing: { version: 2 } }]);
  });

  it("is walked as the pattern for trees says", () => {
    expect(stepTo("ArrowDown", "outer", rows)).toEqual({ to: "inner" });
    expect(stepTo("ArrowUp", "closed", rows)).toEqual({ to: "two" });
    expect(stepTo("ArrowRight", "closed", rows)).toEqual({ open: "closed" });
    expect(stepTo("ArrowRight", "outer", rows)).toEqual({ to: "inner" });
    expect(stepTo("ArrowRight", "one", rows)).toBeNull();
    expect(stepTo("ArrowLeft", "outer", rows)).toEqual({ close: "outer" });
    expect(stepTo("ArrowLeft", "two", rows)).toEqual({ to: "outer" });
    expect(stepTo("Home", "deep", rows)).toEqual({ to: "outer" });
    expect(stepTo("End", "deep", rows)).toEqual({ to: "given" });
    expect(stepTo("ArrowUp", "outer", rows)).toBeNull();
  });
});

describe("letting something go", () => {
  const goal = (dragged: Parameters<typeof goalOf>[0], over: string | "top", zone: "before" | "on" | "after") =>
    goalOf(dragged, over === "top" ? "top" : rowOf(over), zone, rows, folders);

  it("puts it into a folder, or between its siblings", () => {
    expect(goal(asProject(deep), "closed", "on")).toEqual({ parent: "closed" });
    expect(goal(asProject(deep), "two", "before")).toEqual({ parent: "outer", after: "one" });
    expect(goal(asProject(two), "one", "before")).toEqual({ parent: "outer", after: null });
    expect(goal(asProject(one), "two", "after")).toEqual({ parent: "outer", after: "two" });
    expect(goal(asFolder(closed), "outer", "before")).toEqual({ parent: null, after: null });
    expect(goal(asProject(one), "top", "on")).toEqual({ parent: null });
  });

  it("is refused where it would do nothing or nothing good", () => {
    expect(goal(asProject(one), "outer", "on")).toBeNull();
    expect(goal(asProject(one), "one", "after")).toBeNull();
    expect(goal(asFolder(outer), "inner", "on")).toBeNull();
    expect(goal(asFolder(outer), "deep", "after")).toBeNull();
    expect(goal(asFolder(closed), "top", "on")).toBeNull();
    expect(goal(asProject(one), "theirs", "on")).toBeNull();
    expect(goal(asProject(given), "theirs", "on")).toBeNull();
    expect(goal(asFolder(theirs), "top", "on")).toBeNull();
  });

  it("knows from the part of the row what is meant", () => {
    expect([0.1, 0.5, 0.9].map((share) => zoneAt(share, asFolder(outer), asFolder(closed)))).toEqual([
      "before",
      "on",
      "after",
    ]);
    expect(zoneAt(0.1, asFolder(outer), asProject(one))).toBe("on");
    expect(zoneAt(0.6, asProject(one), asProject(two))).toBe("after");
  });

  it("can be undone, and done by steps", () => {
    expect(placeOf(asProject(two), rows)).toEqual({ parent: "outer", after: "one" });
    expect(placeOf(asProject(one), rows)).toEqual({ parent: "outer", after: null });
    expect(stepOf(asProject(one), 1, rows)).toEqual({ parent: "outer", after: "two" });
    expect(stepOf(asProject(two), -1, rows)).toEqual({ parent: "outer", after: null });
    expect(stepOf(asProject(two), 1, rows)).toBeNull();
  });
});
