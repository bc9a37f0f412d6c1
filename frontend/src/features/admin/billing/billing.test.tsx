import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { addDays, today, writeDay } from "@/shared/i18n/days";
import { makeModel } from "@/shared/models/test-kit";
import { problem } from "@/shared/test/network";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import AdminScreen from "../AdminScreen";
import { admin, Desk, makeUser } from "../test-kit";
import type { Billing, Grant, HeldPrice, PersonBilling, Price, Proof } from "./api";
import { PersonMoney } from "./PersonMoney";

const at = (section: string) => ({ at: `/admin/${section}`, path: "/admin/$section", me: admin });
const ui = (
  <Desk>
    <AdminScreen />
  </Desk>
);

const price: Price = {
  id: "80000000-0000-4000-8000-000000000001",
  provider: "anthropic",
  model: "claude-sonnet-4-5",
  source: "admin",
  state: "valid",
  valid_from: "2026-11-01T00:00:00Z",
  is_free: false,
  follows_feed: false,
  prices: { input: 3e9, cached: 3e8, output: 15e9 },
  tiers: [],
  hours: [],
  services: {},
  findings: [],
  created_at: "2026-11-01T00:00:00Z",
};
const held: HeldPrice = {
  ...price,
  id: "80000000-0000-4000-8000-000000000002",
  source: "feed",
  state: "review",
  prices: { input: 30e9, output: 15e9 },
  findings: [{ reason: "jump", class: "input", found: 30e9, expected: 3e9 }],
  present: price,
};
const page = (items: readonly unknown[]) => ({ items, next_cursor: null });
const network = {
  "GET /api/v1/admin/prices": page([price]),
  "GET /api/v1/admin/prices/review": page([held]),
  "GET /api/v1/admin/prices/{id}/history": { items: [price] },
  "GET /api/v1/admin/providers": { items: [], kinds: [] },
};

const plain = (element: Element) => element.textContent?.replaceAll("\u00a0", " ");

describe("prices", () => {
  it("of a receipt are found by their version, also when they hold no more", async () => {
    const old: Price = { ...price, id: "80000000-0000-4000-8000-000000000009", prices: { input: 2e9, output: 10e9 } };
    await renderScreen(ui, {
      ...at("prices"),
      at: `/admin/prices?id=${old.id}`,
      network: {
        ...network,
        "GET /api/v1/admin/prices": page([]),
        [`GET /api/v1/admin/prices/${old.id}/history`]: { items: [price, old] },
        [`GET /api/v1/admin/prices/${price.id}/history`]: { items: [price, old] },
      },
    });
    const panel = await screen.findByRole("region", { name: "Inspector: claude-sonnet-4-5" });
    const version = (await within(panel).findByText("$2.00 / $10.00")).closest("li");
    expect(version).toHaveAttribute("aria-current", "true");
  });

  it("that look odd say why, and wait for a decision", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at("prices"),
      network: { ...network, "POST /api/v1/admin/prices/review/{id}": { id: held.id } },
    });
    expect(await screen.findByText("Input: $30.00 instead of $3.00, more than five times apart")).toBeVisible();
    expect(screen.getByText(/now \$3.00 \/ \$15.00/)).toBeVisible();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Reject the price of claude-sonnet-4-5" }));
    expect(await screen.findByText("Rejected: claude-sonnet-4-5")).toBeVisible();
    expect(requests.find(({ method }) => method === "POST")?.body).toEqual({ decision: "reject" });
  });

  it("of one's own are asked about once more when they are unusual", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at("prices"),
      network: {
        ...network,
        "POST /api/v1/admin/prices": ({ body }: { body: { is_meant: boolean } }) =>
          body.is_meant ? { id: price.id } : problem(422, "billing.price_refused"),
      },
    });
    await user.click(await screen.findByRole("button", { name: "claude-sonnet-4-5" }));
    const panel = await screen.findByRole("region", { name: "Inspector: claude-sonnet-4-5" });
    await user.click(within(panel).getByRole("button", { name: "Set a price" }));
    const dialog = await screen.findByRole("dialog");
    const input = within(dialog).getByRole("textbox", { name: "Input" });
    await user.clear(input);
    await user.type(input, "300");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    await user.click(await within(dialog).findByRole("button", { name: "Save all the same" }));
    expect(await screen.findByText("Price set: claude-sonnet-4-5")).toBeVisible();
    expect(requests.findLast(({ method }) => method === "POST")?.body).toEqual({
      provider: "anthropic",
      model: "claude-sonnet-4-5",
      prices: { input: 300e9, cached: 3e8, output: 15e9 },
      is_free: false,
      is_meant: true,
    });
  });
});

const billing: Billing = {
  is_on: false,
  currency: "EUR",
  markup_bp: 1500,
  markups: [{ provider: "openai", model: null, role: null, basis_points: 2000 }],
  spread_bp: 100,
  refreshes_prices: true,
  prices_url: "",
  refreshes_rates: true,
  exchange_url: "",
  version: 9,
  rates: { day: "2026-11-19", source: "ecb", state: "fresh", usd: "0.9266", fetched_at: null, error: null },
  prices_waiting: 1,
  feeds: [],
  proof: { id: "p", at: "2026-11-20T03:00:00Z", is_sound: true, checked: {}, findings: [] },
  totals: [],
};

const proof = (id: string, change: Partial<Proof> = {}): Proof => ({
  id,
  at: "2026-11-20T03:00:00Z",
  is_sound: true,
  checked: { wallets: 4, entries: 1206, postings: 2650, open_holds: 1, debt_nano: 0, provider_usd_nano: 9.62e9 },
  findings: [],
  ...change,
});
const welcome: Grant = {
  id: "g1",
  user_id: "u1",
  person: "Mira Olsen",
  currency: "EUR",
  nano: 10e9,
  remaining_nano: 5e9,
  expires_at: "2026-12-24T00:00:00Z",
  note: "Welcome",
  created_at: "2026-11-01T00:00:00Z",
};

describe("billing", () => {
  const charging = {
    ...network,
    "GET /api/v1/llm/models": {
      items: [makeModel({ id: "m1", name: "claude-sonnet-4-5" })],
      rules: [],
      default: "auto",
    },
    "GET /api/v1/admin/billing/proofs": [proof("p2"), proof("p1")],
    "GET /api/v1/admin/exchange-rates": {
      items: [
        { id: "d1", day: today("Europe/Berlin"), source: "admin", rates: { USD: "1.25", CHF: "0.95" } },
        { id: "d2", day: addDays(today("Europe/Berlin"), -22), source: "seed", rates: { USD: "1.16", CHF: "0.94" } },
      ],
    },
    "GET /api/v1/admin/billing": billing,
    "PUT /api/v1/admin/billing": ({ body }: { body: object }) => ({ ...billing, ...body }),
  };

  it("says how rates, prices and the books stand", async () => {
    await renderScreen(ui, { ...at("billing"), network: charging });
    expect(await screen.findByText(/1 USD = €0.9266, of 19\/11\/2026/)).toBeVisible();
    expect(screen.getByRole("link", { name: "1 price waits" })).toHaveAttribute("href", "/admin/prices");
    const table = await screen.findByRole("table", { name: "The last rates" });
    expect(within(table).getAllByRole("row").map(plain)).toEqual([
      "Day1 USDFromAge",
      `${writeDay(today("Europe/Berlin"))}€0.8000entered heretoday`,
      `${writeDay(addDays(today("Europe/Berlin"), -22))}€0.8621came with Kontor22 days`,
    ]);
    await expectAccessible();
  });

  it("shows what the nightly proof counted, each night of the last month, and what did not agree", async () => {
    const finding = { check: "holds_make_held", subject: "w1", expected: "7", found: "9" };
    const { user, requests } = await renderScreen(ui, {
      ...at("billing"),
      network: {
        ...charging,
        "GET /api/v1/admin/billing/proofs": [
          proof("p3", { is_sound: false, findings: [finding] }),
          proof("p2"),
          proof("p1"),
        ],
        "POST /api/v1/admin/billing/proofs": { job_id: "j" },
      },
    });
    const table = await screen.findByRole("table", { name: "What does not agree" });
    expect(within(table).getAllByRole("row").map(plain)[1]).toBe("Held sum against open holdsw179");
    const books = document.getElementById("books") as HTMLElement;
    expect(plain(books)).toContain("Result1 finding20 Nov 2026, 04:00Balances compared4Entries1,206Postings2,650");
    expect(plain(books)).toContain("Cost at providers$9.62");
    expect(screen.getByRole("img", { name: "One of the last 3 proofs found something." })).toBeVisible();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Prove now" }));
    expect(await screen.findByText("The books are being proved.")).toBeVisible();
    expect(requests.some(({ method, path }) => method === "POST" && path.endsWith("/proofs"))).toBe(true);
  });

  it("asks a list of the house's own, at an address that can be one", async () => {
    const { user, requests } = await renderScreen(ui, { ...at("billing"), network: charging });
    const field = await screen.findByRole("textbox", { name: "Address of the price list" });
    const form = within(field.closest("form") as HTMLElement);
    await user.type(field, "example");
    await user.click(form.getByRole("button", { name: "Save" }));
    expect(await form.findByText(/an address that begins with/)).toBeVisible();
    await user.clear(field);
    await user.type(field, "https://prices.example.org/data.json");
    await user.click(form.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Saved")).toBeVisible();
    const put = requests.find(({ method }) => method === "PUT");
    expect([put?.body, put?.headers.get("if-match")]).toEqual([
      { prices_url: "https://prices.example.org/data.json", exchange_url: "" },
      '"9"',
    ]);
  });

  it("lists surcharges in the order in which they count, changes one in its place, and tells which holds", async () => {
    const markups = [
      { provider: null, model: null, role: "manager" as const, basis_points: 0 },
      { provider: "anthropic", model: null, role: null, basis_points: 2000 },
      { provider: null, model: "claude-sonnet-4-5", role: null, basis_points: 500 },
    ];
    const { user, requests } = await renderScreen(ui, {
      ...at("billing"),
      network: {
        ...charging,
        "GET /api/v1/admin/billing": { ...billing, markups },
        "GET /api/v1/admin/providers": { items: [], kinds: [{ kind: "anthropic", label: "Anthropic" }] },
      },
    });
    const table = await screen.findByRole("table", { name: "Surcharges of their own" });
    await within(table).findByText("every model, at Anthropic");
    expect(within(table).getAllByRole("row").map(plain)).toEqual([
      "PlaceForSurchargeChange",
      "1claude-sonnet-4-55%",
      "2every model, at Anthropic20%",
      "3every model, for the role Manager0%",
      "4Everything else15%",
    ]);
    await user.click(screen.getByRole("combobox", { name: "Choose a model" }));
    await user.click(await screen.findByRole("option", { name: /Claude/ }));
    expect(screen.getByText(/by the rule: claude-sonnet-4-5/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Change the surcharge for every model, at Anthropic" }));
    const dialog = await screen.findByRole("dialog");
    const percent = within(dialog).getByRole("textbox", { name: "Surcharge" });
    expect(percent).toHaveValue("20");
    await user.clear(percent);
    await user.type(percent, "7,5");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(requests.some(({ method }) => method === "PUT")).toBe(true));
    expect(requests.find(({ method }) => method === "PUT")?.body).toEqual({
      markups: [markups[0], { provider: "anthropic", model: null, role: null, basis_points: 750 }, markups[2]],
    });
  });

  it("refuses a surcharge for nothing, and a second one for the same", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at("billing"),
      network: {
        ...charging,
        "GET /api/v1/admin/providers": { items: [], kinds: [{ kind: "openai", label: "OpenAI" }] },
      },
    });
    await screen.findByText("every model, at OpenAI");
    const group = document.getElementById("markups") as HTMLElement;
    await user.click(within(group).getByRole("button", { name: "Add" }));
    const dialog = await screen.findByRole("dialog");
    await user.type(within(dialog).getByRole("textbox", { name: "Surcharge" }), "5");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByText("Please name a provider, a model or a role.")).toBeVisible();
    await user.click(within(dialog).getByRole("combobox", { name: "Provider" }));
    await user.click(await screen.findByRole("option", { name: "OpenAI" }));
    expect(await within(dialog).findByText(/a surcharge for exactly this already/)).toBeVisible();
    expect(requests.some(({ method }) => method === "PUT")).toBe(false);
  });

  it("lists all credit with what is left of it, gives some to somebody and takes it back", async () => {
    const mira = makeUser({ name: "Mira Olsen", email: "mira@example.org" });
    const { user, requests } = await renderScreen(ui, {
      ...at("billing"),
      network: {
        ...charging,
        "GET /api/v1/admin/billing": { ...billing, is_on: true },
        "GET /api/v1/admin/grants": page([welcome, { ...welcome, id: "g0", remaining_nano: 0, expires_at: null }]),
        "GET /api/v1/admin/users": page([mira]),
        "POST /api/v1/admin/grants": { id: "g2" },
        "DELETE /api/v1/admin/grants/{id}": { withdrawn_nano: 5e9 },
      },
    });
    const table = await screen.findByRole("table", { name: "Credit" });
    expect(within(table).getAllByRole("row").map(plain).slice(1)).toEqual([
      "Mira Olsenuntil 24 Dec 2026€5.00 of €10.0024 Dec 2026Welcome01/11/2026",
      "Mira Olsen€0.00 of €10.00neverWelcome01/11/2026",
    ]);
    await user.click(screen.getByRole("button", { name: "Give credit" }));
    const dialog = await screen.findByRole("dialog", { name: "Give credit" });
    await user.type(within(dialog).getByRole("textbox", { name: "Amount in EUR" }), "20");
    await user.click(within(dialog).getByRole("button", { name: "Give credit" }));
    expect(await within(dialog).findByText("Please choose a person.")).toBeVisible();
    await user.click(within(dialog).getByRole("combobox", { name: "Person" }));
    await user.click(await screen.findByRole("option", { name: "Mira Olsen, mira@example.org" }));
    await user.click(within(dialog).getByRole("button", { name: "Give credit" }));
    expect(await screen.findByText("Given to Mira Olsen: €20.00")).toBeVisible();
    expect(requests.find(({ method }) => method === "POST")?.body).toMatchObject({ user_id: mira.id, nano: 20e9 });
    await user.click(screen.getByRole("button", { name: "Withdraw the credit of Mira Olsen" }));
    const asked = await screen.findByRole("alertdialog");
    await user.click(within(asked).getByRole("button", { name: "Withdraw" }));
    expect(await screen.findByText("Credit withdrawn: €5.00")).toBeVisible();
  });

  it("says what to do where there is no rate to charge by, and takes one that is typed in", async () => {
    const stale = {
      ...billing,
      is_on: true,
      currency: "CHF",
      rates: {
        day: "2026-10-02",
        source: "seed",
        state: "too_old",
        usd: "0.79",
        fetched_at: "2026-11-20T03:00:00Z",
        error: "The address could not be reached.",
      },
    };
    const { user, requests } = await renderScreen(ui, {
      ...at("billing"),
      network: {
        ...charging,
        "GET /api/v1/admin/billing": stale,
        "POST /api/v1/admin/exchange-rates": { items: [] },
        "POST /api/v1/admin/exchange-rates/refresh": { job_id: "j" },
      },
    });
    expect(
      await screen.findByText(/Paid models are refused now.*could not be fetched.*enter today’s rate/),
    ).toBeVisible();
    expect(screen.getByText("The address could not be reached.")).toBeInTheDocument();
    const field = screen.getByRole("textbox", { name: "US dollars for one euro" });
    const form = field.closest("form") as HTMLElement;
    await user.type(field, "1,085");
    await user.type(screen.getByRole("textbox", { name: "CHF for one euro" }), "0");
    await user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await screen.findByText(/a rate above 0/)).toBeVisible();
    await user.type(screen.getByRole("textbox", { name: "CHF for one euro" }), ".93");
    await user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Rate saved")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Fetch now" }));
    const posts = requests.filter(({ method }) => method === "POST");
    expect(posts.map(({ body }) => body)).toEqual([{ rates: { USD: "1.085", CHF: "0.93" } }, undefined]);
    await expectAccessible();
  });

  it("is switched on at once, and taken back", async () => {
    const { user, requests } = await renderScreen(ui, { ...at("billing"), network: charging });
    await user.click(await screen.findByRole("switch", { name: "Charge for usage" }));
    await user.click(await screen.findByRole("button", { name: /Undo/ }));
    await waitFor(() =>
      expect(requests.filter(({ method }) => method === "PUT").map(({ body }) => body)).toEqual([
        { is_on: true },
        { is_on: false },
      ]),
    );
  });

  it("takes surcharges in percent and sends basis points, with the version one saw", async () => {
    const { user, requests } = await renderScreen(ui, { ...at("billing"), network: charging });
    const field = await screen.findByRole("textbox", { name: "Surcharge in percent" });
    const form = field.closest("form") as HTMLElement;
    await user.clear(field);
    await user.type(field, "12,5");
    await user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Saved")).toBeVisible();
    const put = requests.find(({ method }) => method === "PUT");
    expect([put?.body, put?.headers.get("if-match")]).toEqual([{ markup_bp: 1250 }, '"9"']);
  });
});

describe("on a person", () => {
  const user = makeUser({ name: "J. S." });
  const person: PersonBilling = {
    balance: {
      is_on: true,
      currency: "EUR",
      available: 5e9,
      held: 0,
      purchased: 0,
      granted: 5e9,
      grants: [],
      debt: 0,
      today: 1e9,
      lasts_until: null,
    },
    budgets: { items: [], version: 2, currency: "EUR" },
  };
  const charge = {
    id: "e1",
    at: "2026-11-20T12:00:00Z",
    kind: "settle",
    nano: -27_828_000,
    currency: "EUR",
    note: null,
    run_id: "r1",
    is_given_back: false,
  };
  const money = {
    [`GET /api/v1/admin/billing/people/${user.id}`]: person,
    [`GET /api/v1/admin/billing/people/${user.id}/entries`]: page([
      charge,
      { ...charge, id: "e0", is_given_back: true },
    ]),
    "GET /api/v1/admin/grants": page([
      {
        id: "g1",
        user_id: user.id,
        person: "J. S.",
        currency: "EUR",
        nano: 10e9,
        remaining_nano: 5e9,
        expires_at: null,
        note: "Welcome",
        created_at: "2026-11-01T00:00:00Z",
      },
    ]),
  };

  it("limits are imposed with their warning and what happens there, and what is left empty is no limit", async () => {
    const { user: hand, requests } = await renderScreen(<PersonMoney user={user} />, {
      me: admin,
      network: { ...money, "PUT /api/v1/admin/billing/people/{id}/budgets": person.budgets },
    });
    await hand.click(await screen.findByRole("button", { name: "Set limits" }));
    const dialog = await screen.findByRole("dialog", { name: "Limits of J. S." });
    await hand.type(within(dialog).getByRole("textbox", { name: /^Per month/ }), "20");
    const month = within(within(dialog).getByRole("group", { name: "Per month" }));
    await hand.clear(month.getByRole("textbox", { name: "Warn from" }));
    await hand.type(month.getByRole("textbox", { name: "Warn from" }), "50");
    await hand.click(month.getByRole("combobox", { name: "At the limit" }));
    await hand.click(await screen.findByRole("option", { name: "Only warn" }));
    await hand.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Limits saved: J. S.")).toBeVisible();
    const put = requests.find(({ method }) => method === "PUT");
    expect([put?.body, put?.headers.get("if-match")]).toEqual([
      { items: [{ period: "month", limit_nano: 20e9, warn_percent: 50, stops: false }] },
      '"2"',
    ]);
  });

  it("a charge is given back, once, with a word why", async () => {
    const { user: hand, requests } = await renderScreen(<PersonMoney user={user} />, {
      me: admin,
      network: { ...money, "POST /api/v1/admin/billing/entries/{id}/give-back": { entry_id: "e2" } },
    });
    const list = await screen.findByRole("list", { name: "Movements" });
    expect(within(list).getAllByRole("listitem").map(plain)).toEqual([
      "Answer20 Nov 2026, 13:00-2.7828 ct",
      "Answer, given back20 Nov 2026, 13:00-2.7828 ct",
    ]);
    await hand.click(within(list).getByRole("button"));
    const dialog = await screen.findByRole("dialog", { name: /^Give back 2.7828/ });
    await hand.type(within(dialog).getByRole("textbox"), "It was empty");
    await hand.click(within(dialog).getByRole("button", { name: "Give back" }));
    expect(await screen.findByText(/Given back to J. S.: 2.7828/)).toBeVisible();
    expect(requests.find(({ method }) => method === "POST")?.body).toEqual({ note: "It was empty" });
    await expectAccessible();
  });

  it("credit is given and withdrawn", async () => {
    const { user: hand, requests } = await renderScreen(<PersonMoney user={user} />, {
      me: admin,
      network: {
        ...money,
        "POST /api/v1/admin/grants": { id: "g2" },
        "DELETE /api/v1/admin/grants/{id}": { withdrawn_nano: 5e9 },
      },
    });
    await hand.click(await screen.findByRole("button", { name: "Give credit" }));
    const dialog = await screen.findByRole("dialog", { name: "Credit for J. S." });
    await hand.click(within(dialog).getByRole("button", { name: "Give credit" }));
    expect(await within(dialog).findByText(/amount above zero/)).toBeVisible();
    await hand.type(within(dialog).getByRole("textbox", { name: "Amount in EUR" }), "7,50");
    await hand.click(within(dialog).getByRole("button", { name: "Give credit" }));
    expect(await screen.findByText("Given to J. S.: €7.50")).toBeVisible();
    expect(requests.find(({ method }) => method === "POST")?.body).toEqual({
      user_id: user.id,
      nano: 7.5e9,
      note: "",
      expires_at: null,
    });
    await hand.click(await screen.findByRole("button", { name: "Withdraw" }));
    const asked = await screen.findByRole("alertdialog");
    await hand.click(within(asked).getByRole("button", { name: "Withdraw" }));
    expect(await screen.findByText("Credit withdrawn: €5.00")).toBeVisible();
  });
});
