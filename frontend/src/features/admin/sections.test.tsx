import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { problem } from "@/shared/test/network";
import { installation } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import AdminScreen from "./AdminScreen";
import AdminSidebar from "./AdminSidebar";
import { startOfDay } from "./audit/days";
import { domainsIn } from "./configuration/domains";
import { firstLink } from "./mail/links";
import { admin, Desk, makeLine, manager, page, stats } from "./test-kit";
import { isGigabytes, toBytes } from "./users/quota";

const ui = (
  <Desk>
    <AdminScreen />
  </Desk>
);
const at = (section: string) => ({ at: `/admin/${section}`, path: "/admin/$section", me: admin });
const configuration = {
  version: 2,
  name: "Kontor",
  registration: "closed",
  allowed_domains: [],
  owners_see_full_access: true,
  default_language: "en",
  default_quota_bytes: 10_000_000_000,
  session_days: 30,
  mail: { configured: false, from: "", source: "none" },
};
const base = {
  "GET /api/v1/installation": installation,
  "GET /api/v1/admin/stats": stats,
  "GET /api/v1/admin/configuration": configuration,
  "GET /api/v1/admin/full-access": () => new Response("null", { headers: { "Content-Type": "application/json" } }),
  "GET /api/v1/admin/audit": page([makeLine()]),
};

describe("the sections", () => {
  it("keep managers to people", async () => {
    await renderScreen(ui, { ...at("audit"), me: manager, network: base });
    expect(await screen.findByText("Only administrators may do this.")).toBeVisible();
  });

  it("are listed for administrators, and found by other words", async () => {
    const { user } = await renderScreen(<AdminSidebar />, { me: admin, network: base });
    expect(await screen.findByText("Version 0.9.2, up 6 days")).toBeVisible();
    await user.type(screen.getByRole("searchbox"), "cron");
    expect(screen.getByRole("link", { name: /Periodic jobs/ })).toHaveAttribute("href", "/admin/jobs#periodic");
  });
});

describe("the audit log", () => {
  it("turns its filters into the address, the request and the export", async () => {
    const { user, requests, router } = await renderScreen(ui, { ...at("audit?since=2026-11-01"), network: base });
    await user.click(await screen.findByRole("button", { name: "suspended T. B." }));
    const panel = await screen.findByRole("region", { name: "Inspector: Line 12" });
    await user.click(within(panel).getByRole("button", { name: "Only this deed" }));
    await waitFor(() => expect(requests.at(-1)?.search.get("action")).toBe("person.suspended"));
    expect(requests.at(-1)?.search.get("since")).toBe("2026-10-31T23:00:00.000Z");
    expect(router.state.location.search).toEqual({ since: "2026-11-01", action: "person.suspended" });
    expect(screen.getByRole("link", { name: "Export CSV" })).toHaveAttribute(
      "href",
      "/api/v1/admin/audit.csv?action=person.suspended&since=2026-10-31T23%3A00%3A00.000Z",
    );
    await expectAccessible();
  });

  it("says at the field that a range runs backwards", async () => {
    await renderScreen(ui, { ...at("audit?since=2026-11-02&until=2026-11-01"), network: base });
    const until = await screen.findByRole("textbox", { name: "To day" });
    expect(until).toHaveValue("01/11/2026");
    expect(until).toBeInvalid();
    expect(until).toHaveAccessibleDescription(/This day is before the first one/);
    expect(screen.getByRole("textbox", { name: "From day" })).toBeValid();
  });

  it("is narrowed to one person or thing from the inspector, and widened again", async () => {
    const { user, requests, router } = await renderScreen(ui, { ...at("audit"), network: base });
    await user.click(await screen.findByRole("button", { name: "suspended T. B." }));
    const panel = await screen.findByRole("region", { name: "Inspector: Line 12" });
    await user.click(within(panel).getByRole("button", { name: "Only about T. B." }));
    const { subject } = makeLine();
    await waitFor(() => expect(requests.at(-1)?.search.get("about")).toBe(subject?.id));
    expect(screen.getByRole("link", { name: "Export CSV" })).toHaveAttribute(
      "href",
      `/api/v1/admin/audit.csv?about=${subject?.id}`,
    );
    const [chip] = screen.getAllByRole("button", { name: "Only about T. B." });
    await user.click(chip as HTMLElement);
    await waitFor(() => expect(router.state.location.search).toEqual({}));
  });

  it("begins days where the person is, also when clocks change", () => {
    expect(startOfDay("2026-10-25", "Europe/Berlin")).toBe("2026-10-24T22:00:00.000Z");
    expect(startOfDay("2026-10-25", "Europe/Berlin", 1)).toBe("2026-10-25T23:00:00.000Z");
    expect(startOfDay("yesterday", "Europe/Berlin")).toBeUndefined();
  });
});

describe("jobs", () => {
  const job = {
    id: "20000000-0000-4000-8000-000000000001",
    owner_id: null,
    kind: "mail.sweep",
    state: "dead",
    priority: 0,
    done: 3,
    total: 10,
    error_code: "mail.server_away",
    error: "The server does not answer.",
    attempts: 5,
    max_attempts: 5,
    run_at: "2026-11-20T12:00:00Z",
    created_at: "2026-11-20T12:00:00Z",
    started_at: "2026-11-20T12:00:00Z",
    finished_at: "2026-11-20T12:01:00Z",
    can_cancel: false,
    can_retry: true,
  };
  const network = {
    ...base,
    "GET /api/v1/admin/jobs": page([job]),
    "GET /api/v1/admin/jobs/periodic": {
      items: [
        {
          kind: "jobs.sweep",
          every_seconds: 3600,
          next_run_at: "2026-11-22T12:00:00Z",
          last_run_at: null,
          last_job_id: null,
          last_state: null,
        },
      ],
    },
    "GET /api/v1/admin/jobs/paused": { items: [] },
  };

  it("run again from the panel, which says what went wrong", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at("jobs"),
      network: { ...network, [`POST /api/v1/admin/jobs/${job.id}/retry`]: { ...job, state: "queued" } },
    });
    await user.click(await screen.findByRole("button", { name: "Remove old mails" }));
    const panel = await screen.findByRole("region", { name: "Inspector: Remove old mails" });
    expect(within(panel).getByText("The server does not answer.")).toBeVisible();
    await user.click(within(panel).getByRole("button", { name: "Run again" }));
    await waitFor(() => expect(requests.some(({ path }) => path.endsWith("/retry"))).toBe(true));
    await expectAccessible();
  });

  it("are paused by kind, and Undo resumes", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at("jobs"),
      network: { ...network, "POST /api/v1/admin/jobs/pause": null, "POST /api/v1/admin/jobs/resume": null },
    });
    await user.click(await screen.findByRole("button", { name: "Pause this kind: Remove old jobs" }));
    await user.click(await screen.findByRole("button", { name: /Undo/ }));
    await waitFor(() =>
      expect(requests.find(({ path }) => path.endsWith("/resume"))?.body).toEqual({ kind: "jobs.sweep" }),
    );
  });
});

describe("mail", () => {
  const mail = {
    id: "30000000-0000-4000-8000-000000000001",
    to: "cd@example.org",
    subject: "You are invited",
    language: "en",
    template: "invite",
    state: "shown",
    attempts: 0,
    error_code: null,
    error: null,
    created_at: "2026-11-20T12:00:00Z",
    sent_at: null,
  };

  it("is opened only on demand, and gives its link to copy", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at("mail"),
      network: {
        ...base,
        "GET /api/v1/admin/mail": page([mail]),
        [`GET /api/v1/admin/mail/${mail.id}`]: { ...mail, text: "Join: https://k.example/invite/abc.", html: "" },
      },
    });
    await user.click(await screen.findByRole("button", { name: "cd@example.org" }));
    expect(requests.some(({ path }) => path.endsWith(mail.id))).toBe(false);
    await user.click(await screen.findByRole("button", { name: "Show text" }));
    expect(await screen.findByText("https://k.example/invite/abc")).toBeVisible();
    expect(screen.getByText("No mail server is set.")).toBeVisible();
    await expectAccessible();
  });

  it("finds links without what follows them", () => {
    expect(firstLink("See (https://k.example/a?b=1).")).toBe("https://k.example/a?b=1");
    expect(firstLink("nothing here")).toBeNull();
  });
});

describe("the configuration", () => {
  it("saves a choice at once and takes it back", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at("sign-in"),
      network: {
        ...base,
        "PATCH /api/v1/admin/configuration": ({ body }: { body: object }) => ({ ...configuration, ...body }),
      },
    });
    await user.click(await screen.findByRole("radio", { name: "Anyone, after approval" }));
    await user.click(await screen.findByRole("button", { name: /Undo/ }));
    await waitFor(() =>
      expect(requests.filter(({ method }) => method === "PATCH").map(({ body }) => body)).toEqual([
        { registration: "approval" },
        { registration: "closed" },
      ]),
    );
  });

  it("checks what was typed before it sends it with the version it was based on", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at("sign-in"),
      network: { ...base, "PATCH /api/v1/admin/configuration": problem(412, "http.stale") },
    });
    const days = await screen.findByRole("textbox", { name: "Days" });
    const form = days.closest("form") as HTMLElement;
    await user.clear(days);
    await user.type(days, "400");
    await user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await screen.findByText(/from 1 to 365/)).toBeVisible();
    await user.clear(days);
    await user.type(days, "14");
    await user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await screen.findByText(/Someone changed this/)).toBeVisible();
    const patch = requests.find(({ method }) => method === "PATCH");
    expect([patch?.body, patch?.headers.get("if-match")]).toEqual([{ session_days: 14 }, '"2"']);
    await expectAccessible();
  });

  it("reads domains and gigabytes as people write them", () => {
    expect(domainsIn("@Example.org, example.net\nexample.org").domains).toEqual(["example.org", "example.net"]);
    expect(domainsIn("example").wrong).toBe("example");
    expect([toBytes("2,5"), toBytes(""), isGigabytes("1e9")]).toEqual([2_500_000_000, null, false]);
  });
});

describe("full access", () => {
  it("asks for a reason, and leaves the proof to the question that every screen shares", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at("full-access"),
      network: {
        ...base,
        "POST /api/v1/admin/full-access": { until: "2026-11-21T15:00:00Z", reason: "Court order 12/2026" },
      },
    });
    await user.click(await screen.findByRole("button", { name: "Switch full access on" }));
    expect(await screen.findByText(/reason of at least 10/)).toBeVisible();
    await user.type(screen.getByRole("textbox", { name: "Reason" }), "Court order 12/2026");
    await user.click(screen.getByRole("button", { name: "Switch full access on" }));
    await waitFor(() =>
      expect(requests.find(({ method }) => method === "POST")?.body).toEqual({
        reason: "Court order 12/2026",
        minutes: 60,
      }),
    );
    await expectAccessible();
  });
});

describe("the self-test", () => {
  it("puts what is wrong first, with its advice", async () => {
    await renderScreen(ui, {
      ...at("self-test"),
      network: {
        ...base,
        "GET /api/v1/admin/checks": {
          items: [
            { id: "disk", title: "Disk", state: "ok", value: "81 GB", advice: null },
            { id: "mail", title: "Mail server", state: "fail", value: null, advice: "Set SMTP_URL." },
          ],
          ready_in_ms: 10,
        },
      },
    });
    expect(await screen.findByText("1 check needs attention.")).toBeVisible();
    expect(screen.getAllByRole("listitem")[0]).toHaveTextContent("Set SMTP_URL.");
    await expectAccessible();
  });
});
