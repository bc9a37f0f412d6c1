import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import AdminScreen from "../AdminScreen";
import { admin, Desk, makeHouseGroup } from "../test-kit";
import type { HouseGroup, HouseUsage } from "./api";

const eur = (nano: number) => ({ nano, currency: "EUR" });
const usd = (nano: number) => ({ nano, currency: "USD" });
const group = (key: string, label: string, change: Partial<HouseGroup> = {}) =>
  makeHouseGroup(key, { label, ...change });
const total = group("", "", {
  runs: 23,
  requests: 25,
  failed: 2,
  unknown_runs: 1,
  provider_cost: { nano: 12e9, currency: "USD" },
  cost: eur(10e9),
  revenues: [eur(11.5e9)],
});
const people = [
  group("p1", "Mira Olsen", {
    detail: "mira@example.org",
    cost: eur(9e9),
    revenues: [eur(10.35e9)],
    own_key_runs: 2,
  }),
  group("p2", "Jonas Seidel", { runs: 3, requests: 15, failed: 12, cost: null, unknown_runs: 3 }),
  group("p3", "p3", { cost: eur(1e9) }),
];
const usage = (change: Partial<HouseUsage> = {}): HouseUsage => ({
  is_billed: true,
  items: people,
  total,
  given_back: [eur(0.5e9)],
  ...change,
});
const ui = (
  <Desk>
    <AdminScreen />
  </Desk>
);
const at = { at: "/admin/usage", path: "/admin/$section", me: admin };
const answers = (search: URLSearchParams) =>
  search.get("group") === "model"
    ? usage({ items: [group("m1", "Phi-4"), group("m2", "Claude", { cost: eur(9e9) })] })
    : usage({ items: search.get("group") === "day" ? [] : people });
const plain = (element: Element) => element.textContent?.replaceAll("\u00a0", " ");

describe("the usage of the house", () => {
  it("sets what was charged against what it cost, and says what is missing and what failed", async () => {
    await renderScreen(ui, {
      ...at,
      network: { "GET /api/v1/admin/usage": ({ search }: { search: URLSearchParams }) => answers(search) },
    });
    const figures = await screen.findByRole("region", { name: "Figures" });
    await waitFor(() => expect(figures).toHaveTextContent("3 people"));
    expect(plain(figures)).toContain("€10.00 cost$12.00 at providers + 1 answer without a price");
    expect(plain(figures)).toContain("€11.50 charged€1.00 above cost, 50.0 ct given back");
    expect(plain(figures)).toContain("8% errors2 of 25 requests");
    const table = await screen.findByRole("table", { name: "Person" });
    expect(within(table).getAllByRole("row").map(plain)).toEqual([
      "PersonAnswersErrorsInOutCostCharged",
      "MOMira Olsenmira@example.org102 answers on own keys01,000200€9.00€10.35",
      "–deleted account1001,000200€1.00–",
      "JSJonas Seidel312 (80%)1,000200unknown–",
      "Total232 (8%)1,000200€10.00+ 1 answer without a price€11.50",
    ]);
    expect(within(table).getByRole("link", { name: "Mira Olsen" })).toHaveAttribute("href", "/admin/users?id=p1");
    const top = document.getElementById("top-models") as HTMLElement;
    expect(within(top).getAllByRole("listitem").map(plain)).toEqual(["Claude€9.00", "Phi-4free"]);
    await expectAccessible();
  });

  it.each([
    [{ unbilled_costs: [eur(4e9)] }, "€5.50 above cost, without €4.00 from when nothing was charged"],
    [
      { unbilled_costs: [usd(3e9)], further_costs: [usd(3e9)] },
      "€1.50 above cost, without US$3.00 from when nothing was charged",
    ],
    // Of the dollars some were charged, so nobody can say by how much one is above the other.
    [{ unbilled_costs: [usd(2e9)], further_costs: [usd(3e9)] }, ""],
  ])("leaves out of the margin what was asked before anything was charged: %j", async (change, said) => {
    const halfway = usage({ total: { ...total, ...change }, given_back: [] });
    await renderScreen(ui, { ...at, network: { "GET /api/v1/admin/usage": halfway } });
    const figures = await screen.findByRole("region", { name: "Figures" });
    await waitFor(() => expect(plain(figures)).toContain(`€11.50 charged${said}23 answers`));
  });

  it("has no column of charges where nobody is charged, and keeps grouping and time in the address", async () => {
    const { user, router } = await renderScreen(ui, {
      ...at,
      network: {
        "GET /api/v1/admin/usage": usage({ is_billed: false, total: { ...total, revenues: [] }, given_back: [] }),
      },
    });
    const table = await screen.findByRole("table", { name: "Person" });
    expect(within(table).queryByRole("columnheader", { name: "Charged" })).toBeNull();
    await user.click(screen.getByRole("button", { name: "Provider" }));
    await user.click(screen.getByRole("button", { name: "90 days" }));
    await waitFor(() => expect(router.state.location.search).toEqual({ view: "provider", span: "90" }));
  });

  it("says that nothing was used", async () => {
    const none = usage({ items: [], total: group("", "", { runs: 0, requests: 0, cost: null }), given_back: [] });
    await renderScreen(ui, { ...at, network: { "GET /api/v1/admin/usage": none } });
    expect(await screen.findByText("Nothing was used in this time.")).toBeVisible();
  });
});
