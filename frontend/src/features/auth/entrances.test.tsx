import { screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { problem } from "@/shared/test/network";
import { installation, makeMe } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import ForgotScreen from "./ForgotScreen";
import InviteScreen from "./InviteScreen";
import LinkScreen from "./LinkScreen";
import RegisterScreen from "./RegisterScreen";
import ResetScreen from "./ResetScreen";

const signedIn = { me: makeMe({ must_set_up: true }), csrf_token: "fresh" };
const here = { "GET /api/v1/installation": installation };

describe("the printed link", () => {
  afterEach(() => window.history.replaceState(null, "", "/"));

  it("signs in once and takes the token out of the address", async () => {
    window.history.replaceState(null, "", "/login/link#token=secret-of-the-link");
    const { router, requests } = await renderScreen(<LinkScreen />, {
      me: null,
      at: "/login/link",
      path: "/login/link",
      network: { ...here, "POST /api/v1/auth/link": signedIn },
    });
    await waitFor(() => expect(router.state.location.pathname).toBe("/setup"));
    const sent = requests.filter((request) => request.method === "POST");
    expect(sent.map((request) => request.body)).toEqual([{ token: "secret-of-the-link" }]);
    expect(location.hash).toBe("");
  });

  it("says how to get a new one when it was used or is too old", async () => {
    window.history.replaceState(null, "", "/login/link#token=old");
    await renderScreen(<LinkScreen />, {
      me: null,
      at: "/login/link",
      path: "/login/link",
      network: { ...here, "POST /api/v1/auth/link": problem(400, "auth.invalid_link") },
    });
    expect(await screen.findByRole("heading", { name: "This link does not work any more" })).toBeVisible();
    expect(screen.getByText("./kontor login-link")).toBeVisible();
    await expectAccessible();
  });

  it("notices an address without a link", async () => {
    await renderScreen(<LinkScreen />, { me: null, at: "/login/link", path: "/login/link", network: here });
    expect(await screen.findByRole("heading", { name: "This address has no link in it" })).toBeVisible();
  });
});

describe("registering", () => {
  const open = (network = {}) =>
    renderScreen(<RegisterScreen />, {
      me: null,
      at: "/register",
      path: "/register",
      network: { ...here, ...network },
    });

  it("explains itself where it is closed", async () => {
    await open();
    expect(await screen.findByRole("heading", { name: "Registration is closed here" })).toBeVisible();
    expect(screen.queryByLabelText("Password")).toBeNull();
  });

  it("sends the person to their mailbox, whatever the server knows about the address", async () => {
    const { user, requests } = await open({
      "GET /api/v1/installation": { ...installation, registration: "approval" },
      "POST /api/v1/auth/register": { state: "approval" },
    });
    await user.type(await screen.findByLabelText("Your name"), "T. B.");
    await user.type(screen.getByLabelText("E-mail address"), "tb@example.org");
    await user.type(screen.getByLabelText("Password"), "short");
    await user.tab();
    expect(await screen.findByText("Please use at least 10 characters.")).toBeVisible();
    await user.type(screen.getByLabelText("Password"), " no more{Enter}");
    expect(await screen.findByRole("heading", { name: "Please check your mail" })).toBeVisible();
    expect(screen.getByRole("status")).toHaveTextContent("If tb@example.org can be used here");
    expect(screen.getByRole("status")).toHaveTextContent("looks at your registration");
    expect(requests.at(-1)?.body).toEqual({
      name: "T. B.",
      email: "tb@example.org",
      password: "short no more",
      language: "en",
    });
    await expectAccessible();
  });

  it("shows the server's refusal of a password at its field", async () => {
    const { user } = await open({
      "GET /api/v1/installation": { ...installation, registration: "open" },
      "POST /api/v1/auth/register": problem(422, "http.invalid_request", [
        { field: "password", message: "too common", code: "password.common" },
      ]),
    });
    await user.type(await screen.findByLabelText("Your name"), "T. B.");
    await user.type(screen.getByLabelText("E-mail address"), "tb@example.org");
    await user.type(screen.getByLabelText("Password"), "password12{Enter}");
    expect(await screen.findByText(/one of the passwords that are tried first/)).toBeVisible();
    expect(screen.getByLabelText("Password")).toHaveFocus();
    await user.type(screen.getByLabelText("Password"), "3");
    expect(screen.queryByText(/one of the passwords that are tried first/)).toBeNull();
  });
});

describe("a forgotten password", () => {
  it("answers the same for every address", async () => {
    const { user } = await renderScreen(<ForgotScreen />, {
      me: null,
      at: "/forgot",
      path: "/forgot",
      network: { ...here, "POST /api/v1/auth/forgot-password": {} },
    });
    await user.type(await screen.findByLabelText("E-mail address"), "who@example.org{Enter}");
    expect(await screen.findByText(/If who@example.org is known here/)).toBeVisible();
  });

  const openReset = (network: Record<string, unknown>) =>
    renderScreen(<ResetScreen />, { me: null, at: "/reset/abc", path: "/reset/$token", network });

  it("is replaced by a new one", async () => {
    const { user, requests } = await openReset({ "POST /api/v1/auth/reset-password": null });
    await user.type(await screen.findByLabelText("New password"), "a long new password{Enter}");
    expect(await screen.findByRole("heading", { name: "Your new password is set" })).toBeVisible();
    expect(requests.at(-1)?.body).toEqual({ token: "abc", password: "a long new password" });
  });

  it("leads to a new link when this one is over", async () => {
    const { user } = await openReset({ "POST /api/v1/auth/reset-password": problem(400, "auth.invalid_link") });
    await user.type(await screen.findByLabelText("New password"), "a long new password{Enter}");
    expect(await screen.findByRole("heading", { name: "This link does not work any more" })).toBeVisible();
    expect(screen.getByRole("button", { name: "Get a new link" })).toHaveAttribute("href", "/forgot");
  });
});

describe("an invitation", () => {
  const invite = { email: "tb@example.org", name: "T. B.", invited_by_name: null, expires_at: "2026-11-28T10:00:00Z" };
  const open = (network: Record<string, unknown>) =>
    renderScreen(<InviteScreen />, {
      me: null,
      at: "/invite/abc",
      path: "/invite/$token",
      network: { ...here, ...network },
    });

  it("becomes an account", async () => {
    const { user, router, requests } = await open({
      "GET /api/v1/auth/invite/abc": invite,
      "POST /api/v1/auth/invite/abc": { ...signedIn, me: makeMe() },
    });
    expect(await screen.findByText(/You are invited as tb@example.org/)).toBeVisible();
    expect(screen.getByLabelText("Your name")).toHaveValue("T. B.");
    await expectAccessible();
    await user.type(screen.getByLabelText("Password"), "a long password{Enter}");
    await waitFor(() => expect(router.state.location.pathname).toBe("/"));
    expect(requests.at(-1)?.path).not.toContain("abc/abc");
    expect(requests.find((request) => request.method === "POST")?.body).toEqual({
      name: "T. B.",
      password: "a long password",
      language: "en",
    });
  });

  it("says so when it is over", async () => {
    await open({ "GET /api/v1/auth/invite/abc": problem(400, "auth.invalid_link") });
    expect(await screen.findByRole("heading", { name: "This invitation does not work any more" })).toBeVisible();
  });
});
