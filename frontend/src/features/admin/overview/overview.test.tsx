import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { WorkspaceContext } from "@/shared/frame/workspace";
import { problem } from "@/shared/test/network";
import { installation } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import AdminScreen from "../AdminScreen";
import {
  admin,
  Desk,
  makeHouseGroup,
  makeHouseUsage,
  makeLine,
  makeProvider,
  makeUser,
  page,
  stats,
} from "../test-kit";
import type { Month } from "../users/api";

const opened = vi.fn();
const ui = (
  <WorkspaceContext
    value={{
      features: [],
      areas: [],
      open: opened,
      openTabs: [],
      closedTabs: [],
      reopen: () => {},
      signOut: () => {},
      unfolded: [],
      unfold: () => {},
    }}
  >
    <Desk>
      <AdminScreen />
    </Desk>
  </WorkspaceContext>
);
const at = { at: "/admin/overview", path: "/admin/$section", me: admin };
const eur = (nano: number) => ({ nano, currency: "EUR" });

const anthropic = makeProvider();
const campus = makeProvider({
  id: "50000000-0000-4000-8000-000000000002",
  label: "Campus gateway",
  state: "down",
  error_code: "gateway.provider_unreachable",
});
const [rk, js, av, lp] = ["R. K.", "J. S.", "A. V.", "L. P."].map((name) => makeUser({ name })) as [
  ReturnType<typeof makeUser>,
  ReturnType<typeof makeUser>,
  ReturnType<typeof makeUser>,
  ReturnType<typeof makeUser>,
];

function makeMonth(person_id: string, change: Partial<Month> = {}): Month {
  return {
    person_id,
    since: "2026-10-31T23:00:00Z",
    runs: 4,
    tokens_in: 1000,
    tokens_out: 100,
    tokens: {} as Month["tokens"],
    cost: eur(0),
    further_costs: [],
    unknown_runs: 0,
    own_key_runs: 0,
    own_key_cost: null,
    limit: null,
    ...change,
  };
}

const limit = (limit_nano: number, spent_nano: number) => ({
  currency: "EUR",
  limit_nano,
  spent_nano,
  warn_percent: 80,
  stops: true,
  is_imposed: true,
});
const months = [
  makeMonth(rk.id, { cost: eur(38.6e9), limit: limit(80e9, 38.6e9) }),
  makeMonth(js.id, { cost: eur(2e9), limit: limit(20e9, 18.47e9) }),
  makeMonth(av.id, { cost: null, unknown_runs: 4 }),
  makeMonth(lp.id, { runs: 0, cost: null, limit: limit(2e9, 0) }),
];
const network = {
  "GET /api/v1/installation": installation,
  "GET /api/v1/admin/stats": stats,
  "GET /api/v1/admin/checks": { items: [], ready_in_ms: 1 },
  "GET /api/v1/admin/audit": page([makeLine()]),
  "GET /api/v1/admin/users": page([rk, js, av, lp]),
  "GET /api/v1/admin/usage/months": { items: months },
  "GET /api/v1/admin/providers": { items: [anthropic, campus], kinds: [] },
  "GET /api/v1/admin/usage": makeHouseUsage([
    makeHouseGroup(anthropic.id, { requests: 1284, provider_cost: { nano: 9.62e9, currency: "USD" } }),
  ]),
};
const rowOf = async (name: string) =>
  (await screen.findByRole("button", { name })).closest("tr") as HTMLTableRowElement;
const plain = (element: Element | null | undefined) => element?.textContent?.replaceAll("\u00a0", " ");

describe("the overview", () => {
  it("has what providers did today and how they are", async () => {
    const { user } = await renderScreen(ui, { ...at, network });
    const row = await rowOf("Anthropic");
    await within(row).findByText("$9.62");
    expect(plain(row)).toContain("1,284");
    expect(within(await rowOf("Campus gateway")).getAllByText("Down").length).toBeGreaterThan(0);
    await user.click(screen.getByRole("button", { name: "Anthropic" }));
    expect(opened).toHaveBeenCalledWith(`/admin/providers?id=${anthropic.id}`);
    await user.click(screen.getByRole("button", { name: "More for Campus gateway" }));
    await user.click(await screen.findByRole("menuitem", { name: "Add key" }));
    expect(await screen.findByRole("dialog", { name: "Key for Campus gateway" })).toBeVisible();
  });

  it("has everybody's month against their limit", async () => {
    const { requests } = await renderScreen(ui, { ...at, network });
    const row = await rowOf("R. K.");
    expect(plain((await within(row).findByRole("progressbar")).closest("td"))).toBe("€38.60of €80.00");
    expect(within(row).getByRole("progressbar", { name: "Used of €80.00" })).toHaveAttribute("aria-valuenow", "48");
    // What was asked on an own key is charged by its provider, and the limit counts it.
    const near = await rowOf("J. S.");
    expect(plain(near)).toContain("€2.00of €20.00€18.47 count towards the limit");
    expect(within(near).getByText("€2.00")).toHaveClass("text-brass-text");
    expect(within(await rowOf("A. V.")).getByText("unknown")).toBeVisible();
    expect(plain(await rowOf("L. P."))).toContain("€0.00of €2.00");
    const asked = requests.find(({ path }) => path.endsWith("/months"));
    expect(asked?.search.getAll("person")).toEqual([rk.id, js.id, av.id, lp.id]);
    await expectAccessible();
  });

  it("says it where months or providers cannot be told, and shows the rest", async () => {
    const away = () => problem(503, "database.away");
    await renderScreen(ui, {
      ...at,
      network: { ...network, "GET /api/v1/admin/usage/months": away, "GET /api/v1/admin/providers": away },
    });
    await waitFor(() => expect(screen.getAllByRole("alert")).toHaveLength(2));
    expect(plain(await rowOf("R. K."))).not.toContain("€");
    expect(screen.queryByRole("columnheader", { name: /, limit$/ })).toBeNull();
    expect(screen.getByText("38 people")).toBeVisible();
    await expectAccessible();
  });

  it("offers to invite and to add a provider", async () => {
    const { user } = await renderScreen(ui, { ...at, network });
    await user.click(await screen.findByRole("button", { name: "Add provider" }));
    expect(await screen.findByRole("dialog", { name: "Add provider" })).toBeVisible();
    await user.keyboard("{Escape}");
    await user.click(screen.getByRole("button", { name: "Invite" }));
    expect(await screen.findByRole("dialog", { name: /Invite/ })).toBeVisible();
  });
});
