import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { problem } from "@/shared/test/network";
import { installation } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import { admin, Desk, makeLine, makeUser, manager, page } from "../test-kit";
import { UsersSection } from "./UsersSection";

const ui = (
  <Desk>
    <UsersSection />
  </Desk>
);
const tb = makeUser({ name: "T. B.", email: "tb@example.org", sessions: 2 });
const mo = makeUser({ name: "M. O.", email: "mo@example.org", state: "waiting" });
const js = makeUser({ name: "J. S.", email: "js@example.org" });
const makeSession = (client: string, day: number) => ({
  id: `30000000-0000-4000-8000-0000000000${day}`,
  kind: "browser",
  client,
  created_at: `2025-11-${day}T08:00:00Z`,
  last_seen_at: `2025-11-${day}T12:00:00Z`,
});
const base = {
  "GET /api/v1/admin/users": page([tb, mo, js]),
  "GET /api/v1/installation": installation,
  "GET /api/v1/admin/audit": page([makeLine()]),
  [`GET /api/v1/admin/users/${tb.id}`]: tb,
  "GET /api/v1/admin/users/{user_id}/sessions": {
    items: [makeSession("Firefox/145.0 Linux", 20), makeSession("", 19)],
  },
};

describe("the list of people", () => {
  it("shows who is there and passes axe", async () => {
    await renderScreen(ui, { me: admin, network: base });
    expect(await screen.findByRole("button", { name: "T. B." })).toBeVisible();
    expect(screen.getAllByText("Waiting for approval").length).toBeGreaterThan(0);
    await expectAccessible();
  });

  it("asks the server for what the filters say, and keeps them in the address", async () => {
    const { user, requests, router } = await renderScreen(ui, { me: admin, network: base });
    await user.click(await screen.findByRole("button", { name: /^Managers/ }));
    await waitFor(() =>
      expect(requests.some(({ search }) => search.get("role") === "manager" && search.get("limit") === "50")).toBe(
        true,
      ),
    );
    expect(router.state.location.search).toMatchObject({ role: "manager" });
    await user.click(screen.getByRole("button", { name: /^Last active/ }));
    await waitFor(() => expect(requests.at(-1)?.search.get("sort")).toBe("-last_seen_at"));
  });

  it("shows a person in the panel, with what was noted about them", async () => {
    const { user } = await renderScreen(ui, { me: admin, network: base });
    await user.click(await screen.findByRole("button", { name: "T. B." }));
    const panel = await screen.findByRole("region", { name: "Inspector: T. B." });
    const devices = within(await within(panel).findByRole("list", { name: "Sessions" })).getAllByRole("listitem");
    expect(devices.map((device) => device.textContent)).toEqual([
      "Firefox, Linuxlast seen 20 Nov 2025",
      "Unknown devicelast seen 19 Nov 2025",
    ]);
    expect(within(panel).getByRole("link", { name: "Show in audit log" })).toHaveAttribute(
      "href",
      `/admin/audit?about=${tb.id}`,
    );
    expect(await within(panel).findByText("suspended T. B.")).toBeVisible();
    expect(within(panel).getByRole("link", { name: "To full access" })).toHaveAttribute("href", "/admin/full-access");
  });

  it("suspends with a reason and takes it back by Undo", async () => {
    const { user, requests } = await renderScreen(ui, {
      me: admin,
      network: {
        ...base,
        [`POST /api/v1/admin/users/${tb.id}/suspend`]: { ...tb, state: "suspended" },
        [`POST /api/v1/admin/users/${tb.id}/restore`]: tb,
      },
    });
    await user.click(await screen.findByRole("button", { name: "More for T. B." }));
    await user.click(await screen.findByRole("menuitem", { name: "Suspend …" }));
    await user.type(await screen.findByRole("textbox", { name: /^Reason/ }), "Left the project");
    await user.click(screen.getByRole("button", { name: "Suspend" }));
    await waitFor(() => expect(screen.queryByRole("textbox", { name: /^Reason/ })).toBeNull());
    expect(requests.find(({ path }) => path.endsWith("/suspend"))?.body).toEqual({ reason: "Left the project" });
    await user.click(await screen.findByRole("button", { name: /Undo/ }));
    await waitFor(() => expect(requests.some(({ path }) => path.endsWith("/restore"))).toBe(true));
  });

  it("says in place that the last administrator has to stay", async () => {
    const { user } = await renderScreen(ui, {
      me: admin,
      network: { ...base, [`DELETE /api/v1/admin/users/${tb.id}`]: problem(409, "people.last_admin") },
    });
    await user.click(await screen.findByRole("button", { name: "More for T. B." }));
    await user.click(await screen.findByRole("menuitem", { name: "Delete for good …" }));
    const dialog = await screen.findByRole("alertdialog");
    const button = within(dialog).getByRole("button", { name: "Delete for good" });
    expect(button).toBeDisabled();
    await user.type(within(dialog).getByRole("textbox"), "T. B.");
    await user.click(button);
    expect(await within(dialog).findByText(/last administrator/)).toBeVisible();
  });

  it("keeps what was typed when somebody else was quicker", async () => {
    let calls = 0;
    const newer = { ...tb, name: "T. Berg", version: 4 };
    const { user, requests } = await renderScreen(ui, {
      me: admin,
      network: {
        ...base,
        [`GET /api/v1/admin/users/${tb.id}`]: () => (calls > 0 ? newer : tb),
        [`PATCH /api/v1/admin/users/${tb.id}`]: () => {
          calls += 1;
          return calls === 1 ? problem(412, "http.stale") : { ...newer, name: "T. Brandt", version: 5 };
        },
      },
    });
    await user.click(await screen.findByRole("button", { name: "More for T. B." }));
    await user.click(await screen.findByRole("menuitem", { name: "Edit …" }));
    const name = await screen.findByRole("textbox", { name: "Name" });
    await user.clear(name);
    await user.type(name, "T. Brandt");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Now: T. Berg")).toBeVisible();
    expect(name).toHaveValue("T. Brandt");
    await user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(name).not.toBeInTheDocument());
    const patches = requests.filter(({ method }) => method === "PATCH");
    expect(patches.map(({ headers }) => headers.get("if-match"))).toEqual(['"3"', '"4"']);
    expect(patches[1]?.body).toEqual({ name: "T. Brandt" });
  });

  it("selects a range by Shift and approves those who wait", async () => {
    const { user, requests } = await renderScreen(ui, {
      me: admin,
      network: { ...base, [`POST /api/v1/admin/users/${mo.id}/approve`]: { ...mo, state: "active" } },
    });
    await user.click(await screen.findByRole("checkbox", { name: "Select T. B." }));
    await user.keyboard("{Shift>}");
    await user.click(screen.getByRole("checkbox", { name: "Select J. S." }));
    await user.keyboard("{/Shift}");
    expect(await screen.findByRole("status", { name: "" })).toBeTruthy();
    expect(screen.getAllByText("3 selected").length).toBeGreaterThan(0);
    await user.click(screen.getByRole("button", { name: "Approve 1 person" }));
    await waitFor(() => expect(requests.some(({ path }) => path.endsWith("/approve"))).toBe(true));
  });

  it("moves between rows with the arrow keys", async () => {
    const { user } = await renderScreen(ui, { me: admin, network: base });
    (await screen.findByRole("button", { name: "T. B." })).focus();
    await user.keyboard("{ArrowDown}");
    expect(screen.getByRole("button", { name: "M. O." })).toHaveFocus();
    await user.keyboard("{End}");
    expect(screen.getByRole("button", { name: "J. S." })).toHaveFocus();
  });
});

describe("inviting", () => {
  it("shows the link once where no mail can be sent", async () => {
    const { user, requests } = await renderScreen(ui, {
      me: admin,
      network: {
        ...base,
        "GET /api/v1/installation": { ...installation, mail_configured: false },
        "POST /api/v1/admin/users": {
          ...makeUser({ name: "C. D.", state: "invited" }),
          invite_url: "https://k/invite/x",
        },
      },
    });
    await user.click(await screen.findByRole("button", { name: "Invite" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Invite" }));
    expect(await within(dialog).findByText("Please enter a name.")).toBeVisible();
    await user.type(within(dialog).getByRole("textbox", { name: "Name" }), "C. D.");
    await user.type(within(dialog).getByRole("textbox", { name: "E-mail address" }), "cd@example.org");
    await user.click(within(dialog).getByRole("button", { name: "Invite" }));
    expect(await screen.findByText("https://k/invite/x")).toBeVisible();
    expect(requests.find(({ method }) => method === "POST")?.body).toEqual({
      name: "C. D.",
      email: "cd@example.org",
      role: "user",
      language: "en",
      invite: true,
    });
  });
});

describe("what managers see", () => {
  it("offers them no way into an account", async () => {
    const { user } = await renderScreen(ui, { me: manager, network: base });
    await user.click(await screen.findByRole("button", { name: "More for T. B." }));
    const items = (await screen.findAllByRole("menuitem")).map((item) => item.textContent);
    expect(items).toEqual(["Suspend …"]);
    expect(screen.queryByRole("button", { name: /^Administrators/ })).toBeNull();
  });

  it("tells them why when the server refuses", async () => {
    await renderScreen(ui, {
      me: manager,
      network: { ...base, "GET /api/v1/admin/users": problem(403, "auth.role_required") },
    });
    expect(await screen.findByText("Only administrators may do this.")).toBeVisible();
  });
});
