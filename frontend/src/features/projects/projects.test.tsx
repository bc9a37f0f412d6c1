import { screen, waitFor, within } from "@testing-library/react";
import { type ReactNode, useState } from "react";
import { describe, expect, it, vi } from "vitest";
import type { Schemas } from "@/shared/api/client";
import { WorkspaceContext } from "@/shared/frame/workspace";
import { problem } from "@/shared/test/network";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import DashboardScreen from "./DashboardScreen";
import ListScreen from "./ListScreen";
import MembersScreen from "./MembersScreen";
import ProjectsSidebar from "./ProjectsSidebar";
import SettingsScreen from "./SettingsScreen";
import TrashScreen from "./TrashScreen";
import { makeFolder, makeProject, makeShare, nothingUsed, page } from "./test-kit";

const open = vi.fn();

/** What the frame gives, as far as these screens ask for it. */
function Inside({ children }: { children: ReactNode }) {
  const nothing = () => {};
  const [unfolded, unfold] = useState<readonly string[]>([]);
  const value = {
    features: [],
    areas: [],
    openTabs: [],
    closedTabs: [],
    open,
    reopen: nothing,
    unfolded,
    unfold,
    signOut: nothing,
  };
  return <WorkspaceContext.Provider value={value}>{children}</WorkspaceContext.Provider>;
}

const harbour = makeProject("p1", { name: "Harbour", is_pinned: true, tags: ["rail"], folder_id: "f1" });
const tax = makeProject("p2", { name: "Tax" });
const folder = makeFolder("f1", { name: "Research" });

type Asked = { search: URLSearchParams };
const lists = ({ search }: Asked) => {
  if (search.get("pinned") === "true") return page(harbour);
  if (search.get("pinned") === "false") return page(tax);
  return search.get("folder_id") === "f1" ? page(harbour) : search.get("whose") === "others" ? page() : page(tax);
};

const dashboard: Schemas["ProjectDashboard"] = {
  is_everybody: true,
  total: { ...nothingUsed, runs: 3, tokens_in: 900, tokens_out: 100, cost: { nano: 2_500_000_000, currency: "EUR" } },
  days: [],
  models: [
    { ...nothingUsed, key: "one", label: "Model One", runs: 2, cost: { nano: 2_000_000_000, currency: "EUR" } },
    { ...nothingUsed, key: "two", label: "Model Two", runs: 1, cost: { nano: 500_000_000, currency: "EUR" } },
  ],
  day_parts: [],
  parts: [{ name: "documents", by_state: { ready: 40, failed: 1 }, bytes: 2048 }],
};

const base = {
  "GET /api/v1/folders": page(folder),
  "GET /api/v1/projects": lists,
  "GET /api/v1/projects/p1": harbour,
  "GET /api/v1/projects/p1/dashboard": dashboard,
  "GET /api/v1/projects/p1/budgets": { currency: "EUR", items: [], version: 1 },
  "GET /api/v1/projects/p1/documents": page(),
  "GET /api/v1/shares": page(),
  "GET /api/v1/usage": { items: [], total: nothingUsed },
};

const at = (ui: ReactNode, network: object = {}, more: { at?: string; path?: string } = {}) =>
  renderScreen(<Inside>{ui}</Inside>, { network: { ...base, ...network }, ...more });
const inProject = { at: "/p/p1", path: "/p/$id" };

describe("the list of projects", () => {
  it("has what is pinned first, and asks the server for what the filters say", async () => {
    const { user, requests } = await at(<ListScreen />, {}, { at: "/p", path: "/p" });
    await screen.findByRole("link", { name: "Tax" });
    const links = within(screen.getByRole("table")).getAllByRole("link");
    expect(links.map(({ textContent }) => textContent)).toEqual(["Harbour", "Tax"]);
    expect(screen.getByText("Research")).toBeVisible();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "rail" }));
    await user.click(screen.getByRole("button", { name: "Shared with me" }));
    await waitFor(() => {
      const last = requests.findLast(({ path }) => path === "/api/v1/projects");
      expect([last?.search.get("tag"), last?.search.get("whose")]).toEqual(["rail", "others"]);
    });
  });

  it("makes a project of the kind that was chosen and goes there", async () => {
    const { user, requests } = await at(
      <ListScreen />,
      { "GET /api/v1/projects": page(), "POST /api/v1/projects": makeProject("p9") },
      { at: "/p", path: "/p" },
    );
    await user.click(await screen.findByRole("button", { name: "Data from documents" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Create" }));
    expect(within(dialog).getByText("Please enter a name.")).toBeVisible();
    await user.type(within(dialog).getByRole("textbox", { name: "Name" }), "Contracts");
    await user.click(within(dialog).getByRole("button", { name: "Create" }));
    await waitFor(() => expect(open).toHaveBeenCalledWith("/p/p9"));
    expect(requests.find(({ method }) => method === "POST")?.body).toMatchObject({
      name: "Contracts",
      kind: "extraction",
      folder_id: null,
    });
  });

  it("begins with invitations, which are answered there", async () => {
    const share = makeShare("s1", { direction: "received", person: "Ada", role: "editor" });
    let waiting = [share];
    const { user } = await at(
      <ListScreen />,
      {
        "GET /api/v1/shares": () => page(...waiting),
        "POST /api/v1/shares/s1/accept": () => {
          waiting = [];
          return { ...share, state: "accepted" };
        },
      },
      { at: "/p", path: "/p" },
    );
    expect(await screen.findByText(/Ada would like to share the project “Harbour” with you/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Accept: Harbour" }));
    expect(await screen.findByText("You take part in “Harbour” now")).toBeVisible();
    await waitFor(() => expect(screen.queryByRole("region", { name: "Invitations" })).toBeNull());
  });
});

describe("the tree", () => {
  it("opens, renames in place and throws away by keys", async () => {
    const { user, requests } = await at(
      <ProjectsSidebar />,
      {
        "PATCH /api/v1/folders/f1": { ...folder, name: "Science", version: 2 },
        "DELETE /api/v1/folders/f1": null,
      },
      { at: "/p", path: "/p" },
    );
    const row = await screen.findByRole("treeitem", { name: "Research" });
    await expectAccessible();
    row.focus();
    await user.keyboard("{ArrowRight}");
    expect(await screen.findByRole("treeitem", { name: "Harbour" })).toHaveAttribute("aria-level", "2");
    await user.keyboard("{F2}");
    await user.keyboard("Science{Enter}");
    await waitFor(() => expect(requests.find(({ method }) => method === "PATCH")?.body).toEqual({ name: "Science" }));
    row.focus();
    await user.keyboard("{Delete}");
    expect(await screen.findByText("“Research” is in the trash")).toBeVisible();
    expect(screen.getAllByRole("button", { name: "Undo" })).toHaveLength(2);
  });
});

describe("a project", () => {
  it("shows what it cost, by which models, and what lies in it", async () => {
    await at(<DashboardScreen />, {}, inProject);
    const figures = await screen.findByRole("region", { name: "Figures of the project" });
    await waitFor(() => expect(figures).toHaveTextContent("€2.50"));
    expect(figures).toHaveTextContent("41");
    expect(
      within(screen.getByRole("table", { name: "By model" })).getByRole("row", { name: /Model Two/ }),
    ).toHaveTextContent("50.0 ct");
    const parts = within(screen.getByRole("navigation", { name: "Parts of the project" }));
    expect(parts.getByRole("link", { name: "Overview" })).toHaveAttribute("aria-current", "page");
    expect(parts.getByRole("link", { name: /Documents/ })).toHaveTextContent("41");
    await expectAccessible();
  });

  it("is not there any more once it is not shared", async () => {
    const gone = { "GET /api/v1/projects/p1": problem(404, "project.not_found") };
    await at(<DashboardScreen />, gone, inProject);
    expect(await screen.findByRole("heading", { name: "This project is not there" })).toBeVisible();
    expect(screen.getByRole("link", { name: "To all projects" })).toHaveAttribute("href", "/p");
  });

  it("says who takes part, by itself and through folders, and invites others", async () => {
    const tom = makeShare("tom", { person: "Tom", state: "accepted", role: "editor", expires_at: null });
    const mira = makeShare("mira", { person: "Mira", state: "accepted", project_id: null, folder_id: "f1" });
    const { user, requests } = await at(
      <MembersScreen />,
      {
        "GET /api/v1/shares": ({ search }: Asked) =>
          search.get("folder_id") ? page(mira) : search.get("project_id") ? page(tom) : page(),
        "POST /api/v1/shares": makeShare("new"),
        "DELETE /api/v1/shares/tom": null,
      },
      { at: "/p/p1", path: "/p/$id" },
    );
    expect(await screen.findByRole("link", { name: "through “Research”" })).toBeVisible();
    await expectAccessible();
    await user.type(screen.getByRole("textbox", { name: "E-mail address" }), "new@example.org");
    await user.click(screen.getByRole("button", { name: "Invite" }));
    expect(await screen.findByText("Invitation for new@example.org is waiting")).toBeVisible();
    expect(requests.find(({ method }) => method === "POST")?.body).toEqual({
      project_id: "p1",
      email: "new@example.org",
      role: "viewer",
    });
    await user.click(screen.getByRole("button", { name: "Remove Tom" }));
    await waitFor(() => expect(requests.some(({ method }) => method === "DELETE")).toBe(true));
  });

  it("keeps what was typed when somebody else was faster", async () => {
    const { user } = await at(
      <SettingsScreen />,
      { "PATCH /api/v1/projects/p1": problem(412, "http.stale") },
      inProject,
    );
    const name = await screen.findByRole("textbox", { name: "Name" });
    await user.clear(name);
    await user.type(name, "Port");
    const [save] = screen.getAllByRole("button", { name: "Save" });
    await user.click(save as HTMLElement);
    expect(await screen.findByText(/Somebody has changed this meanwhile/)).toBeVisible();
    expect(name).toHaveValue("Port");
  });
});

describe("the trash", () => {
  it("gives back, and erases for good only by name", async () => {
    const thrown = {
      id: "t1",
      sort: "project",
      name: "Draft",
      kind: "chat",
      projects: 1,
      trashed_at: "2026-11-20T08:00:00Z",
      erased_at: "2026-12-20T08:00:00Z",
    };
    const { user, requests } = await at(<TrashScreen />, {
      "GET /api/v1/trash": page(thrown),
      "POST /api/v1/projects/t1/restore": makeProject("t1"),
      "DELETE /api/v1/trash/t1": null,
    });
    await user.click(await screen.findByRole("button", { name: "Restore Draft" }));
    expect(await screen.findByText("“Draft” is back")).toBeVisible();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Delete Draft for good" }));
    const dialog = await screen.findByRole("alertdialog");
    expect(within(dialog).getByRole("button", { name: "Delete for good" })).toHaveAttribute("data-disabled");
    await user.type(within(dialog).getByRole("textbox"), "Draft");
    await user.click(within(dialog).getByRole("button", { name: "Delete for good" }));
    await waitFor(() =>
      expect(requests.some(({ method, path }) => method === "DELETE" && path.endsWith("/t1"))).toBe(true),
    );
  });
});
