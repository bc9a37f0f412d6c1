import { screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { problem } from "@/shared/test/network";
import { installation, makeMe } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import LoginScreen from "./LoginScreen";

const signedIn = { me: makeMe(), csrf_token: "fresh" };

async function open(network = {}, at = "/login", language: "de" | "en" = "en") {
  const view = await renderScreen(<LoginScreen />, {
    me: null,
    at,
    path: "/login",
    language,
    network: { "GET /api/v1/installation": installation, ...network },
  });
  return view;
}

async function fill(
  user: Awaited<ReturnType<typeof open>>["user"],
  email = "rk@example.org",
  password = "several words",
) {
  await user.type(await screen.findByLabelText("E-mail address"), email);
  await user.type(screen.getByLabelText("Password"), password);
  await user.click(screen.getByRole("button", { name: "Sign in" }));
}

describe("signing in", () => {
  it("returns to the page that was wanted", async () => {
    const { user, router, requests } = await open(
      { "POST /api/v1/auth/login": signedIn },
      "/login?next=%2Fsettings%2Fkeys%23bindings",
    );
    await fill(user, " rk@example.org ");
    await waitFor(() => expect(router.state.location.href).toBe("/settings/keys#bindings"));
    expect(requests.find((request) => request.path.endsWith("/login"))?.body).toEqual({
      email: "rk@example.org",
      password: "several words",
      remember: true,
      cookie: true,
    });
  });

  it("goes through the set-up first when that has not been done", async () => {
    const { user, router } = await open({
      "POST /api/v1/auth/login": { ...signedIn, me: makeMe({ must_set_up: true }) },
    });
    await fill(user);
    await waitFor(() => expect(router.state.location.pathname).toBe("/setup"));
  });

  it("names what is missing before it asks the server", async () => {
    const { user, requests } = await open();
    await user.click(await screen.findByRole("button", { name: "Sign in" }));
    expect(await screen.findByText("Please enter your address.")).toBeVisible();
    expect(screen.getByText("Please enter your password.")).toBeVisible();
    await waitFor(() => expect(screen.getByLabelText("E-mail address")).toHaveFocus());
    expect(requests.some((request) => request.method === "POST")).toBe(false);
    await expectAccessible();
  });

  it("keeps what was typed when the password is wrong", async () => {
    const { user } = await open({ "POST /api/v1/auth/login": problem(401, "auth.invalid_credentials") });
    await fill(user);
    expect(await screen.findByRole("alert")).toHaveTextContent("This address and password do not belong together.");
    expect(screen.getByLabelText("E-mail address")).toHaveValue("rk@example.org");
  });

  it("asks for the code of the app, and takes a recovery code instead", async () => {
    const codes: unknown[] = [];
    const { user, router } = await open({
      "POST /api/v1/auth/login": ({ body }: { body: { code?: string } }) => {
        codes.push(body.code);
        if (!body.code) return problem(401, "auth.code_required");
        return body.code === "k7xm-2pqd" ? signedIn : problem(401, "auth.code_refused");
      },
    });
    await fill(user);
    expect(await screen.findByRole("heading", { name: "Enter your code" })).toBeVisible();
    await user.type(screen.getByLabelText("Code from your app"), "123 456{Enter}");
    expect(await screen.findByText(/Codes change every 30 seconds/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Use a recovery code" }));
    await expectAccessible();
    await user.type(screen.getByLabelText("Recovery code"), "k7xm-2pqd{Enter}");
    await waitFor(() => expect(router.state.location.pathname).toBe("/"));
    expect(codes).toEqual([undefined, "123456", "k7xm-2pqd"]);
  });

  it("tells a person who waits for approval that they wait", async () => {
    const refusal = new Response(JSON.stringify({ status: 403, code: "auth.not_active", state: "waiting" }), {
      status: 403,
      headers: { "Content-Type": "application/problem+json" },
    });
    const { user } = await open({ "POST /api/v1/auth/login": refusal });
    await fill(user);
    expect(await screen.findByText(/still waits for approval/)).toBeVisible();
  });

  it("keeps the text and says so when the server is away", async () => {
    const { user } = await open({
      "POST /api/v1/auth/login": () => {
        throw new TypeError("Failed to fetch");
      },
    });
    await fill(user);
    expect(await screen.findByRole("alert")).toHaveTextContent("The server is not reachable.");
    expect(screen.getByLabelText("Password")).toHaveValue("several words");
  });
});

describe("waiting after too many attempts", () => {
  beforeEach(() => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("counts down and lets go again", async () => {
    const limited = new Response(JSON.stringify({ status: 429, code: "http.rate_limited" }), {
      status: 429,
      headers: { "Content-Type": "application/problem+json", "Retry-After": "20" },
    });
    const { user } = await open({ "POST /api/v1/auth/login": limited });
    await fill(user);
    expect(await screen.findByText("That was too often in a short time.")).toBeVisible();
    expect(screen.getByRole("button", { name: "Sign in" })).toBeDisabled();
    await vi.advanceTimersByTimeAsync(21_000);
    await waitFor(() => expect(screen.getByRole("button", { name: "Sign in" })).toBeEnabled());
    expect(screen.queryByText("That was too often in a short time.")).toBeNull();
  });
});

describe("what the page offers", () => {
  it("explains the printed link where nobody has a password", async () => {
    await open(
      { "GET /api/v1/installation": { ...installation, kind: "single", password_sign_in: false } },
      "/login",
      "de",
    );
    expect(await screen.findByText("./kontor login-link")).toBeVisible();
    expect(screen.queryByLabelText("Passwort")).toBeNull();
    expect(screen.queryByRole("link", { name: "Registrieren" })).toBeNull();
    await expectAccessible();
  });

  it("offers registration unless it is closed, and single sign-on where there is one", async () => {
    await open({
      "GET /api/v1/installation": { ...installation, registration: "open", oidc: [{ id: "campus", label: "Campus" }] },
    });
    expect(await screen.findByRole("link", { name: "Register" })).toHaveAttribute("href", "/register");
    expect(screen.getByRole("button", { name: "Continue with Campus" })).toHaveAttribute(
      "href",
      "/api/v1/auth/oidc/campus?next=%2F",
    );
  });

  it("says how confirming the address ended", async () => {
    await open({}, "/login?verified=0");
    expect(await screen.findByText(/does not work any more/)).toBeVisible();
  });

  it("stays usable when the installation does not answer at first", async () => {
    let isAway = true;
    const { user } = await open({
      "GET /api/v1/installation": () => (isAway ? problem(503, "database.away") : installation),
    });
    expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer right now.");
    isAway = false;
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByLabelText("Password")).toBeVisible();
  });
});
