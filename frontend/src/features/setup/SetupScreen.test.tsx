import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { problem } from "@/shared/test/network";
import { installation, makeMe, settings } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import SetupScreen from "./SetupScreen";

const owner = makeMe({ name: "Owner", email: null, role: "admin", has_password: false, must_set_up: true });
const checks = {
  items: [
    { id: "database", title: "Database", state: "ok", value: "PostgreSQL 18.4", advice: null },
    { id: "disk", title: "Free disk space", state: "warn", value: "1 GB", advice: "The disk fills up." },
    { id: "mail", title: "Mail server", state: "skip", value: null, advice: null },
    { id: "files", title: "Open files allowed", state: "ok", value: "65536", advice: null },
  ],
  ready_in_ms: 4200,
};

function open(network: Record<string, unknown> = {}, { me = owner, kind = "single" } = {}) {
  return renderScreen(<SetupScreen />, {
    me,
    at: "/setup",
    path: "/setup",
    network: {
      "GET /api/v1/installation": { ...installation, kind },
      "GET /api/v1/setup/checks": checks,
      "GET /api/v1/llm/discover": () => problem(404, "http.404"),
      "PATCH /api/v1/settings": ({ body }: { body: object }) => ({ ...settings, ...body }),
      ...network,
    },
  });
}

describe("the first run", () => {
  it("shows what the system found, trouble with its remedy, the rest folded", async () => {
    await open();
    const check = await screen.findByRole("region", { name: "System check" });
    expect(await within(check).findByText("Ready in 4.2 s")).toBeVisible();
    expect(within(check).getByText("PostgreSQL 18.4")).toBeVisible();
    expect(within(check).getByText("The disk fills up.")).toBeVisible();
    expect(within(check).getByText("set up later")).toBeVisible();
    expect(within(check).getByText("1 more check, all in order")).toBeVisible();
    await expectAccessible();
  });

  it("goes from the account over the looks to the start, by keyboard alone", async () => {
    const done = vi.fn(({ body }: { body: { name: string } }) =>
      makeMe({ ...owner, name: body.name, must_set_up: false }),
    );
    const { user, router } = await open({ "POST /api/v1/setup": done });
    const name = await screen.findByLabelText("Your name");
    expect(name).toHaveValue("");
    await user.keyboard("{Enter}");
    expect(await screen.findByText("Please enter your name.")).toBeVisible();
    await user.type(name, "R. K.{Enter}");
    expect(await screen.findByRole("heading", { level: 1, name: "How should Kontor look?" })).toHaveFocus();
    await expectAccessible();
    await user.keyboard("{Enter}");
    expect(await screen.findByRole("heading", { level: 1, name: "Everything is ready" })).toBeVisible();
    expect(screen.queryByRole("link", { name: /Invite people/ })).toBeNull();
    expect(done.mock.calls[0]?.[0].body).toMatchObject({ name: "R. K.", email: null, password: null, theme: "light" });
    await user.keyboard("{Enter}");
    await waitFor(() => expect(router.state.location.pathname).toBe("/"));
  });

  it("returns to the page where the server found something wrong", async () => {
    const { user } = await open({
      "POST /api/v1/setup": problem(422, "http.invalid_request", [
        { field: "password", message: "common", code: "password.common" },
      ]),
    });
    await user.type(await screen.findByLabelText("Your name"), "R. K.");
    await user.type(screen.getByLabelText(/^Password/), "password12{Enter}");
    expect(await screen.findByText(/To sign in with a password you need an address/)).toBeVisible();
    await user.type(screen.getByLabelText(/^E-mail address/), "rk@example.org{Enter}");
    await user.click(await screen.findByRole("button", { name: /^Finish/ }));
    expect(await screen.findByText(/one of the passwords that are tried first/)).toBeVisible();
    expect(screen.getByLabelText("Your name")).toHaveValue("R. K.");
  });

  it("shows a choice of looks at once and keeps it", async () => {
    const { user, requests } = await open();
    await user.type(await screen.findByLabelText("Your name"), "R. K.{Enter}");
    await user.click(await screen.findByRole("radio", { name: "Dark" }));
    await waitFor(() => expect(document.documentElement.dataset.theme).toBe("dark"));
    expect(requests.find((request) => request.method === "PATCH")?.body).toEqual({ theme: "dark" });
  });

  it("is over for whoever has done it", async () => {
    const { router } = await open({}, { me: makeMe() });
    await waitFor(() => expect(router.state.location.pathname).toBe("/"));
  });
});
