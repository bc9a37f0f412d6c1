import { act, screen, waitFor, within } from "@testing-library/react";
import { type ReactNode, useMemo, useState } from "react";
import { describe, expect, it, vi } from "vitest";
import type { SheetValue } from "@/shared/frame/sheet";
import { SheetContext } from "@/shared/frame/sheet";
import { local, makeModel } from "@/shared/models/test-kit";
import { readAmount } from "@/shared/receipts/amounts";
import type { Receipt } from "@/shared/receipts/api";
import { everyDay, periodOf } from "@/shared/receipts/period";
import { problem } from "@/shared/test/network";
import { makeMe } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import type { LogLine, UsageGroup } from "./api";
import BalanceScreen from "./BalanceScreen";
import LimitsScreen from "./LimitsScreen";
import OverviewScreen from "./OverviewScreen";
import PricesScreen from "./PricesScreen";
import ReceiptsScreen from "./ReceiptsScreen";
import UsageSidebar from "./UsageSidebar";

const noTokens = {
  input: 0,
  cached: 0,
  cache_write: 0,
  cache_write_1h: 0,
  output: 0,
  reasoning: 0,
  image: 0,
  image_out: 0,
  audio_in: 0,
  audio_out: 0,
};
const eur = (nano: number) => ({ nano, currency: "EUR" });
const group = (key: string, label: string, nano: number | null, runs = 2): UsageGroup => ({
  key,
  label,
  runs,
  tokens_in: 18_420,
  tokens_out: 640,
  tokens: { ...noTokens, input: 18_000, cache_write_1h: 420, output: 540, image_out: 100 },
  cost: nano === null ? null : eur(nano),
  further_costs: [],
  unknown_runs: nano === null ? runs : 0,
  own_key_runs: 0,
  own_key_cost: null,
});
const models = [
  group("m1", "Claude Sonnet 4.5", 18.42e9, 40),
  group("m2", "Phi-4", 0, 3),
  group("m3", "Odd", null, 2),
  { ...group("m4", "GPT-5", 0, 1), own_key_runs: 1, own_key_cost: { nano: 2.31e9, currency: "USD" } },
];
const total = {
  ...group("", "", 18.42e9, 46),
  unknown_runs: 2,
  own_key_runs: 1,
  own_key_cost: { nano: 2.31e9, currency: "USD" },
};
const usage = { items: models, total };

function Desk({ children }: { children: ReactNode }) {
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const value = useMemo<SheetValue>(
    () => ({
      pane: "main",
      place: "usage",
      isFocused: true,
      nameTab: () => {},
      inspectorSlot: slot,
      announceInspector: () => {},
      isInspectorOpen: true,
      setInspectorOpen: () => {},
    }),
    [slot],
  );
  return (
    <SheetContext value={value}>
      {children}
      <aside ref={setSlot} />
    </SheetContext>
  );
}

describe("the overview", () => {
  it("adds up what was used, by day and by model, and follows the period in the address", async () => {
    const { user, requests, router } = await renderScreen(<OverviewScreen />, {
      at: "/usage",
      path: "/usage",
      network: { "GET /api/v1/usage": usage },
    });
    expect(await screen.findByText("€18.42 in this time")).toBeVisible();
    const table = await screen.findByRole("table", { name: "Model" });
    expect(
      within(table)
        .getAllByRole("row")
        .map((row) => row.textContent?.replaceAll("\u00a0", " ")),
    ).toEqual([
      "ModelShare of the totalAnswersInOutCost",
      "ClClaude Sonnet 4.5100%4018,420640€18.42",
      "PhPhi-40%318,420640free",
      "GpGPT-50%118,420640€0.00+ $2.31 at providers, on own keys",
      "OdOdd–218,420640unknown",
      "Total4618,420640€18.42+ 2 answers without a price+ $2.31 at providers, on own keys",
    ]);
    const kinds = await screen.findByRole("table", { name: "Tokens by kind" });
    expect(
      within(kinds)
        .getAllByRole("row")
        .map((row) => row.textContent),
    ).toEqual(["KindTokens", "Input, new18,000", "Input, cached for an hour420", "Output540", "Images drawn100"]);
    expect(screen.getByText(/2 answers have no known price and are in no sum/)).toBeVisible();
    expect(within(table).getByRole("link", { name: "Receipts: Odd" })).toHaveAttribute(
      "href",
      "/receipts?model=m3&span=month",
    );
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "30 days" }));
    await waitFor(() => expect(router.state.location.search).toEqual({ span: "30" }));
    await user.click(screen.getByRole("button", { name: "Provider" }));
    await waitFor(() => expect(requests.at(-1)?.search.get("group")).toBe("provider"));
  });

  it("gives a table for the spreadsheets of one's language, of another, and for programs", async () => {
    const { user } = await renderScreen(<OverviewScreen />, {
      network: { "GET /api/v1/usage": usage },
      language: "de",
    });
    const asked: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      asked.push(this.getAttribute("href") ?? "");
    });
    for (const name of [/auf Deutsch: Semikolon, Dezimalkomma/, /auf Englisch/, /^Programme/]) {
      await user.click(await screen.findByRole("button", { name: "CSV" }));
      await user.click(await screen.findByRole("menuitem", { name }));
    }
    vi.restoreAllMocks();
    expect(asked.map((address) => new URLSearchParams(address.split("?")[1]).get("language"))).toEqual([
      "de",
      "en",
      null,
    ]);
    expect(asked[0]).toMatch(/^\/api\/v1\/usage\.csv\?since=\d{4}-\d\d-\d\d&until=\d{4}-\d\d-\d\d&language=de$/);
  });

  it("says that nothing was used yet, and what failed", async () => {
    const none = { items: [], total: group("", "", 0, 0) };
    const { unmount } = await renderScreen(<OverviewScreen />, { network: { "GET /api/v1/usage": none } });
    expect(await screen.findByText("Nothing has been used yet.")).toBeVisible();
    unmount();
    await renderScreen(<OverviewScreen />, { network: { "GET /api/v1/usage": () => problem(503, "database.away") } });
    expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer right now.");
  });

  it("shows the month in the sidebar, and the balance only where there is one", async () => {
    await renderScreen(<UsageSidebar />, {
      network: {
        "GET /api/v1/usage": usage,
        "GET /api/v1/billing/balance": { is_on: false, currency: "EUR", today: 0 },
      },
    });
    expect(await screen.findByText("Claude Sonnet 4.5")).toBeVisible();
    const sidebar = screen.getByRole("navigation", { name: "Usage" });
    expect(sidebar.textContent?.replaceAll("\u00a0", " ")).toContain(
      "Claude Sonnet 4.5€18.42Phi-4freeGPT-5€0.00OddunknownTotal€18.42+ 2 answers without a price",
    );
    expect(screen.queryByRole("link", { name: "Balance" })).toBeNull();
  });
});

describe("periods", () => {
  it("are whole days, both ends included", () => {
    expect(periodOf("month", "2026-11-20")).toEqual({ since: "2026-11-01", until: "2026-11-20" });
    expect(periodOf("last", "2026-03-31")).toEqual({ since: "2026-02-01", until: "2026-02-28" });
    expect(periodOf("30", "2026-11-20")).toEqual({ since: "2026-10-22", until: "2026-11-20" });
  });

  it("have every day, also those without an answer", () => {
    const days = everyDay({ since: "2026-10-30", until: "2026-11-01" }, [group("2026-10-31", "", 5)]);
    expect(days.map(({ day, nano }) => [day, nano])).toEqual([
      ["2026-10-30", 0],
      ["2026-10-31", 5],
      ["2026-11-01", 0],
    ]);
  });
});

const line: LogLine = {
  run_id: "60000000-0000-4000-8000-000000000001",
  at: "2026-11-20T13:32:07Z",
  kind: "api",
  title: "Brückensanierung: Prioritäten",
  state: "done",
  model: "claude-sonnet-4-5",
  model_label: "Claude Sonnet 4.5",
  provider: "anthropic",
  provider_label: "Anthropic",
  is_local: false,
  tokens_in: 18_420,
  tokens_out: 640,
  tokens: { ...noTokens, input: 18_000, cache_write_1h: 420, output: 640 },
  cost: eur(27_828_000),
  is_free: false,
  is_own_key: false,
  is_estimated: false,
};
const running: LogLine = { ...line, run_id: "60000000-0000-4000-8000-000000000002", state: "running", title: null };
const receipt: Receipt = {
  number: "26-11-08841",
  at: line.at,
  seconds: 4.1,
  model: "claude-sonnet-4-5",
  model_label: "Claude Sonnet 4.5",
  provider: "anthropic",
  provider_label: "Anthropic",
  title: "Brückensanierung: Prioritäten",
  currency: "EUR",
  lines: [
    { class: "input", tokens: 5520, rate_per_million: "3", rate_in_currency: "2.78", amount: "0.015346" },
    { class: "cached", tokens: 12_900, rate_per_million: "0.3", rate_in_currency: "0.278", amount: "0.003586" },
    { class: "output", tokens: 640, rate_per_million: "15", rate_in_currency: "13.899", amount: "0.008896" },
  ],
  provider_usd: "0.03003",
  provider_cost: "0.027828",
  is_told_by_provider: false,
  markup: "0",
  spent: "0.027828",
  sum: "0.027828",
  hold: "0.0342",
  released: "0.006372",
  given_back: null,
  balance_after: "27.64",
  price_version: {
    id: "v1",
    valid_from: "2026-11-01",
    source: "feed",
    provider: "anthropic",
    model: "claude-sonnet-4-5",
  },
  fx: { rate: "0.9266", reference: "0.9266", day: "2026-11-19", source: "ecb", spread_percent: "0" },
  markup_percent: "0",
  is_estimated: false,
  is_free: false,
  is_own_key: false,
  settled_as: "reported",
  note: "",
};

describe("receipts", () => {
  const network = {
    "GET /api/v1/usage/log": { items: [running, line], next_cursor: null, total: 2 },
    [`GET /api/v1/runs/${line.run_id}/receipt`]: receipt,
  };
  const ui = (
    <Desk>
      <ReceiptsScreen />
    </Desk>
  );

  it("stand beside their requests, with sums to the ten-thousandth of a cent", async () => {
    const { user } = await renderScreen(ui, { network, language: "de" });
    const rows = await screen.findAllByRole("button", { name: /^Beleg/ });
    await user.click(rows[1] as HTMLElement);
    const slip = await screen.findByRole("article", { name: "Beleg 26-11-08841" });
    const text = slip.textContent?.replaceAll("\u00a0", " ");
    for (const part of [
      "14:32:07",
      "4,1 s",
      "Eingabe, neu1,5346 ct",
      "5.520 × 2,780 €/Mio.3,000 $",
      "12.900 × 0,278 €/Mio.0,300 $",
      "Preis des Anbieters0,03003 $",
      "Summe2,7828 ct",
      "Wieder frei0,6372 ct",
      "Guthaben danach27,64 €",
      "Preisliste vom 01.11.2026",
      "1 USD = 0,9266 € am 19.11.2026",
      "Tokens vom Anbieter gezählt.",
    ]) {
      expect(text).toContain(part);
    }
    const traces = screen.getByRole("region", { name: "Woher die Zahlen sind" });
    expect(traces).toHaveTextContent("claude-sonnet-4-5, gültig seit 1. Nov. 2026, aus der öffentlichen Preisliste");
    expect(traces).toHaveTextContent("Referenzkurs der Europäischen Zentralbank vom 19. Nov. 2026");
    // Prices are the administration's matter; nobody else is sent where they may not go.
    expect(within(traces).queryByRole("link", { name: /claude/ })).toBeNull();
    expect(screen.getByText("bis 2,8 ct")).toBeVisible();
    await expectAccessible();
  });

  it("are walked through by keys and by the buttons of the panel", async () => {
    const { user, requests } = await renderScreen(ui, { network });
    const [first, second] = await screen.findAllByRole("button", { name: /^Receipt/ });
    await user.click(first as HTMLElement);
    expect(await screen.findByText(/still being written/)).toBeVisible();
    expect(requests.some(({ path }) => path.endsWith("/receipt"))).toBe(false);
    await user.keyboard("{ArrowDown}");
    expect(second).toHaveFocus();
    await user.click(screen.getByRole("button", { name: "Next receipt" }));
    expect(await screen.findByRole("article")).toBeVisible();
  });

  it("lead an administrator to the version of the price, and show surcharge and what was given back", async () => {
    const marked = {
      ...receipt,
      markup_percent: "15",
      markup: "0.003627",
      provider_cost: "0.024201",
      given_back: "0.027828",
    };
    const { user } = await renderScreen(ui, {
      network: { ...network, [`GET /api/v1/runs/${line.run_id}/receipt`]: marked },
      me: makeMe({ role: "admin" }),
    });
    await user.click((await screen.findAllByRole("button", { name: /^Receipt/ }))[1] as HTMLElement);
    const slip = await screen.findByRole("article");
    const text = slip.textContent?.replaceAll("\u00a0", " ");
    expect(text).toContain(
      "Price of the provider$0.03003At the rate of the day2.4201 ctSurcharge 15%0.3627 ctTotal2.7828 ct",
    );
    expect(text).toContain("Given back later2.7828 ct");
    expect(screen.getByRole("link", { name: /claude-sonnet-4-5, valid since/ })).toHaveAttribute(
      "href",
      "/admin/prices?id=v1",
    );
  });

  it("without a price say so, and lead an administrator to where one is set", async () => {
    const unpriced = { ...receipt, sum: null, spent: null, provider_usd: null, price_version: null, fx: null };
    const { user } = await renderScreen(ui, {
      network: { ...network, [`GET /api/v1/runs/${line.run_id}/receipt`]: unpriced },
      me: makeMe({ role: "admin" }),
    });
    await user.click((await screen.findAllByRole("button", { name: /^Receipt/ }))[1] as HTMLElement);
    expect(await screen.findByRole("article")).toHaveTextContent("Totalcost unknown");
    expect(screen.getByRole("link", { name: "Nobody has said what this model costs." })).toHaveAttribute(
      "href",
      "/admin/prices?q=claude-sonnet-4-5",
    );
  });

  it("on an own key say what the provider is owed", async () => {
    const { user } = await renderScreen(ui, {
      network: {
        ...network,
        [`GET /api/v1/runs/${line.run_id}/receipt`]: { ...receipt, is_own_key: true, sum: "0", balance_after: null },
      },
    });
    await user.click((await screen.findAllByRole("button", { name: /^Receipt/ }))[1] as HTMLElement);
    expect((await screen.findByRole("article")).textContent?.replaceAll("\u00a0", " ")).toContain(
      "At the provider2.7828 ctCharged herenothing",
    );
  });

  it("are printed alone and once, and their number is copied", async () => {
    const { user } = await renderScreen(ui, { network });
    await user.click((await screen.findAllByRole("button", { name: /^Receipt/ }))[1] as HTMLElement);
    await screen.findByRole("article");
    const print = vi.spyOn(window, "print").mockImplementation(() => {
      expect(document.querySelectorAll("body > .paper article")).toHaveLength(1);
      act(() => void window.dispatchEvent(new Event("afterprint")));
    });
    await user.click(screen.getByRole("button", { name: "Print" }));
    await waitFor(() => expect(document.querySelector("body > .paper")).toBeNull());
    expect(print).toHaveBeenCalledTimes(1);
    await user.click(screen.getByRole("button", { name: "Copy the number" }));
    expect(await navigator.clipboard.readText()).toBe("26-11-08841");
  });

  it("are narrowed to a group of the sums and a time, and widened again", async () => {
    const { user, requests, router } = await renderScreen(ui, {
      network: { ...network, "GET /api/v1/usage/log": { items: [line], next_cursor: null } },
      at: "/receipts?model=claude-sonnet-4-5&span=30",
      path: "/receipts",
    });
    await screen.findByRole("button", { name: /^Receipt/ });
    const asked = requests.find(({ path }) => path.endsWith("/log"))?.search;
    expect([asked?.get("model"), asked?.has("since"), asked?.has("until")]).toEqual(["claude-sonnet-4-5", true, true]);
    await user.click(screen.getByRole("button", { name: /Claude Sonnet 4.5 Take this filter away/ }));
    await waitFor(() => expect(router.state.location.search).toEqual({ span: "30" }));
    await waitFor(() => expect(requests.at(-1)?.search.has("model")).toBe(false));
  });

  it("say free where nothing is charged, and that tokens were estimated", async () => {
    const free = { ...receipt, is_free: true, is_estimated: true, settled_as: "estimated", balance_after: null };
    const { user } = await renderScreen(ui, {
      network: { ...network, [`GET /api/v1/runs/${line.run_id}/receipt`]: free },
    });
    const rows = await screen.findAllByRole("button", { name: /^Receipt/ });
    await user.click(rows[1] as HTMLElement);
    const slip = await screen.findByRole("article");
    expect(slip).toHaveTextContent("Totalfree");
    expect(slip).toHaveTextContent("Tokens estimated");
    expect(slip).not.toHaveTextContent("€");
  });
});

describe("prices of models", () => {
  it("are told per million, free ones say so, and missing ones too", async () => {
    const unpriced = makeModel({ id: "m9", label: "Odd", price: null, state: "unpriced" });
    const { user } = await renderScreen(<PricesScreen />, {
      network: { "GET /api/v1/llm/models": { items: [makeModel(), local, unpriced], default: "auto" } },
    });
    const table = await screen.findByRole("table");
    expect(within(table).getByRole("row", { name: /Claude/ })).toHaveTextContent("€2.78€0.278€3.475€13.90200,000");
    expect(within(table).getByRole("row", { name: /Phi/ })).toHaveTextContent("free");
    expect(within(table).getByRole("row", { name: /Odd/ })).toHaveTextContent("no price");
    await expectAccessible();
    await user.type(screen.getByRole("searchbox"), "ollama");
    expect(within(table).getAllByRole("row")).toHaveLength(2);
  });
});

describe("limits", () => {
  const budgets = {
    items: [
      {
        id: "b1",
        subject: "person",
        subject_id: "p1",
        period: "month",
        limit_nano: 20e9,
        spent_nano: 18.47e9,
        currency: "EUR",
        warn_percent: 80,
        stops: true,
        is_imposed: false,
      },
      {
        id: "b2",
        subject: "person",
        subject_id: "p1",
        period: "day",
        limit_nano: 5e9,
        spent_nano: 0,
        currency: "EUR",
        warn_percent: 80,
        stops: true,
        is_imposed: true,
      },
      {
        id: "b3",
        subject: "key",
        subject_id: "k1",
        period: "day",
        limit_nano: 2e9,
        spent_nano: 1.9e9,
        currency: "EUR",
        warn_percent: 80,
        stops: true,
        is_imposed: false,
      },
    ],
    version: 4,
    currency: "EUR",
  };

  const keys = { items: [{ id: "k1", name: "Script", ending: "FKzj" }] };

  it("of an access token are its own, and set for it alone", async () => {
    const { user, requests } = await renderScreen(<LimitsScreen />, {
      network: {
        "GET /api/v1/billing/budgets": budgets,
        "GET /api/v1/auth/tokens": keys,
        "PUT /api/v1/billing/budgets": budgets,
      },
    });
    expect(await screen.findByRole("button", { name: "Set a limit: Per day" })).toBeVisible();
    expect(await screen.findByText("€1.90 of €2.00")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Set a limit: Script, Per month" }));
    const dialog = await screen.findByRole("dialog", { name: "Limit per month" });
    await user.type(within(dialog).getByRole("textbox", { name: "Amount in EUR" }), "10");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Limit: Script, Per month, €10.00")).toBeVisible();
    const put = requests.find(({ method }) => method === "PUT");
    expect([put?.search.get("subject"), put?.search.get("subject_id")]).toEqual(["key", "k1"]);
    expect(put?.body).toEqual({
      items: [
        { period: "day", limit_nano: 2e9, warn_percent: 80, stops: true },
        { period: "month", limit_nano: 10e9, warn_percent: 80, stops: true },
      ],
    });
  });

  it("show what is spent, and whose they are", async () => {
    await renderScreen(<LimitsScreen />, {
      network: { "GET /api/v1/billing/budgets": budgets, "GET /api/v1/auth/tokens": keys },
    });
    expect(await screen.findByText(/€18.47 of €20.00/)).toBeVisible();
    expect(screen.getByText("set by the administration")).toBeVisible();
    await expectAccessible();
  });

  it("are changed with the version one saw, and checked before", async () => {
    const { user, requests } = await renderScreen(<LimitsScreen />, {
      network: {
        "GET /api/v1/billing/budgets": budgets,
        "GET /api/v1/auth/tokens": keys,
        "PUT /api/v1/billing/budgets": () => ({ ...budgets, version: 5 }),
      },
    });
    await user.click(await screen.findByRole("button", { name: "Set a limit: In all" }));
    const dialog = await screen.findByRole("dialog");
    const amount = within(dialog).getByRole("textbox", { name: "Amount in EUR" });
    await user.type(amount, "much");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByText(/Please enter an amount/)).toBeVisible();
    await user.clear(amount);
    await user.type(amount, "100");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Limit: In all, €100.00")).toBeVisible();
    const put = requests.find(({ method }) => method === "PUT");
    expect(put?.headers.get("if-match")).toBe('"4"');
    expect(put?.body).toEqual({
      items: [
        { period: "month", limit_nano: 20e9, warn_percent: 80, stops: true },
        { period: "total", limit_nano: 100e9, warn_percent: 80, stops: true },
      ],
    });
  });

  it("read amounts as people write them", () => {
    expect(["2,50", "2.5", "0", "1e9", "-1", ""].map(readAmount)).toEqual([2.5e9, 2.5e9, 0, null, null, null]);
  });
});

describe("the balance", () => {
  const balance = {
    is_on: true,
    currency: "EUR",
    available: 27.64e9,
    held: 98_000_000,
    purchased: 20e9,
    granted: 7.64e9,
    grants: [
      { remaining_nano: 2.64e9, expires_at: "2026-12-24T00:00:00Z" },
      { remaining_nano: 5e9, expires_at: null },
    ],
    debt: 500_000_000,
    lasts_until: "2026-12-04T12:00:00Z",
    today: 1.08e9,
  };

  it("says how long it lasts, and what moved", async () => {
    await renderScreen(<BalanceScreen />, {
      network: {
        "GET /api/v1/billing/balance": balance,
        "GET /api/v1/billing/entries": {
          items: [
            {
              id: "e2",
              at: line.at,
              kind: "settle",
              nano: -27_828_000,
              currency: "EUR",
              note: null,
              run_id: line.run_id,
              model_label: "Claude Sonnet 4.5",
              has_receipt: true,
            },
            {
              id: "e3",
              at: line.at,
              kind: "settle",
              nano: -1_000_000,
              currency: "EUR",
              note: null,
              run_id: running.run_id,
              model_label: "Odd",
              has_receipt: false,
            },
            { id: "e1", at: line.at, kind: "grant", nano: 20e9, currency: "EUR", note: "Welcome", run_id: null },
          ],
          next_cursor: null,
        },
      },
    });
    expect(await screen.findByText("€27.64")).toBeVisible();
    expect(screen.getByText(/it lasts until about 4 Dec 2026/)).toBeVisible();
    const parts = document.querySelector("dl")?.textContent?.replaceAll("\u00a0", " ");
    expect(parts).toBe(
      [
        "Credit givenExpires on 24 Dec 2026, and is used before everything that expires later.€2.64",
        "Credit givenDoes not expire.€5.00",
        "Paid inDoes not expire.€20.00",
        "HeldFor answers that are running. What they do not need comes back.-9.8 ct",
        "OwedAn answer cost more than was left. The next credit settles it first.-50.0 ct",
      ].join(""),
    );
    expect(await screen.findByRole("row", { name: /Claude/ })).toHaveTextContent("-2.7828 ct");
    expect(await screen.findByRole("row", { name: /Credit, Welcome/ })).toHaveTextContent("+€20.00");
    expect(screen.getByRole("link", { name: "Answer, Claude Sonnet 4.5" })).toHaveAttribute(
      "href",
      `/receipts?id=${line.run_id}`,
    );
    expect(screen.getByRole("row", { name: /Odd/ })).toHaveTextContent("Answer, Odd, deleted with its receipt");
    expect(screen.getAllByRole("link")).toHaveLength(1);
    await expectAccessible();
  });

  it("is not there where nothing is charged", async () => {
    await renderScreen(<BalanceScreen />, {
      network: { "GET /api/v1/billing/balance": { ...balance, is_on: false } },
    });
    expect(await screen.findByText("Nothing is charged here.")).toBeVisible();
  });
});
