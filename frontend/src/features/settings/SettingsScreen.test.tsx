import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { defineActions } from "@/shared/keys/registry";
import type { Me } from "@/shared/session/queries";
import { problem, type Seen } from "@/shared/test/network";
import { installation, makeMe, settings } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import SettingsScreen from "./SettingsScreen";
import SettingsSidebar from "./SettingsSidebar";

const title = (text: string) => ({ en: text, de: text });

beforeAll(() => {
  defineActions([
    { id: "undo", title: title("Undo last action"), keys: "Mod+Z", where: "anywhere", outsideFields: true },
    { id: "palette", title: title("Commands and search"), keys: "Mod+K", where: "anywhere" },
    { id: "tabs.close", title: title("Close tab"), keys: "App+W", where: "tabs" },
  ]);
});

function open(section: string, network: Record<string, unknown> = {}, me: Me | null = makeMe()) {
  return renderScreen(<SettingsScreen />, {
    me,
    at: `/settings/${section}`,
    path: "/settings/$section",
    network: {
      "GET /api/v1/installation": installation,
      "PATCH /api/v1/settings": ({ body }: Seen) => ({ ...settings, ...(body as object) }),
      "GET /api/v1/auth/me": me,
      ...network,
    },
  });
}

const patches = (requests: readonly Seen[]) =>
  requests.filter((request) => request.method === "PATCH").map((request) => request.body);

describe("what saves at once", () => {
  it("says the new state and takes it back", async () => {
    const { user, requests } = await open("appearance");
    await user.click(await screen.findByRole("radio", { name: "Dark" }));
    expect(await screen.findByText("Appearance: Dark")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() => expect(patches(requests)).toEqual([{ theme: "dark" }, { theme: "light" }]));
    await expectAccessible();
  });

  it("jumps back and says why when the server refuses", async () => {
    const { user } = await open("notifications", { "PATCH /api/v1/settings": problem(503, "database.away") });
    const toggle = await screen.findByRole("switch", { name: "Failed tasks" });
    await user.click(toggle);
    expect(await screen.findByText(/The database does not answer right now/)).toBeVisible();
    expect(toggle).toBeChecked();
  });

  it("changes one message and leaves the others", async () => {
    const { user, requests } = await open(
      "notifications",
      {},
      makeMe({
        settings: { ...settings, notifications: { approvals: true, jobs: false, sign_ins: true, shares: true } },
      }),
    );
    await user.click(await screen.findByRole("switch", { name: "Sign-ins on new devices" }));
    await waitFor(() =>
      expect(patches(requests)).toEqual([
        { notifications: { approvals: true, jobs: false, sign_ins: false, shares: true } },
      ]),
    );
    expect(screen.queryByRole("switch", { name: "People waiting for approval" })).toBeNull();
  });

  it("finds a time zone by typing", async () => {
    const { user, requests } = await open("language");
    const zone = await screen.findByRole("combobox", { name: "Time zone" });
    await user.clear(zone);
    await user.paste("Lisbon");
    await user.click(await screen.findByRole("option", { name: /Europe\/Lisbon/ }));
    await waitFor(() => expect(patches(requests)).toEqual([{ timezone: "Europe/Lisbon" }]));
  });
});

describe("texts save by their button", () => {
  it("changes the name", async () => {
    const { user, requests } = await open("profile", {
      "PATCH /api/v1/auth/me": ({ body }: Seen) => makeMe(body as Partial<Me>),
    });
    const name = await screen.findByLabelText("Name");
    expect(screen.getByRole("button", { name: "Save" })).toBeDisabled();
    await user.clear(name);
    await user.type(name, "Ruth K.{Enter}");
    expect(await screen.findByText("Name: Ruth K.")).toBeVisible();
    expect(patches(requests)).toEqual([{ name: "Ruth K." }]);
    await expectAccessible();
  });

  it("sends a link to a new address and says nothing about whose it is", async () => {
    const { user } = await open("profile", { "PATCH /api/v1/auth/me": makeMe() });
    await user.type(await screen.findByLabelText("New address"), "new@example.org{Enter}");
    expect(await screen.findByText(/If new@example.org can be used/)).toBeVisible();
  });

  it.each([
    ["one's own address", { email_verified: false }, "not confirmed"],
    ["a new address", { pending_email: "new@example.org" }, "waits for its confirmation"],
  ])("sends the link again for %s", async (_what, change, mark) => {
    const { user, requests } = await open("profile", { "POST /api/v1/auth/resend-verification": {} }, makeMe(change));
    expect(await screen.findByText(mark)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Send link again" }));
    expect(await screen.findByText(/a new link is on its way/)).toBeVisible();
    expect(requests.filter(({ method }) => method === "POST")).toHaveLength(1);
    await expectAccessible();
  });

  it("offers no link where nothing waits for one", async () => {
    await open("profile");
    expect(await screen.findByText("confirmed")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Send link again" })).toBeNull();
  });
});

describe("keys", () => {
  it("are rebound by pressing them, and a conflict is told first", async () => {
    const { user, requests } = await open("keys");
    await user.click(await screen.findByRole("button", { name: "Change key: Close tab" }));
    const field = await screen.findByLabelText("New key");
    await waitFor(() => expect(field).toHaveFocus());
    fireEvent.keyDown(field, { key: "k", ctrlKey: true });
    expect(field).toHaveValue("Ctrl K");
    expect(screen.getByText(/“Commands and search” has this key/)).toBeVisible();
    fireEvent.keyDown(field, { key: "[", ctrlKey: true, altKey: true });
    expect(screen.getByText(/AltGr and Ctrl with Alt type characters/)).toBeVisible();
    fireEvent.keyDown(field, { key: "j", altKey: true });
    expect(field).toHaveValue("Alt J");
    await user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(patches(requests)).toEqual([{ keys: { "tabs.close": "App+J" } }]));
  });

  it("are taken over from another action when wanted", async () => {
    const { user, requests } = await open("keys");
    await user.click(await screen.findByRole("button", { name: "Change key: Close tab" }));
    fireEvent.keyDown(await screen.findByLabelText("New key"), { key: "k", ctrlKey: true });
    await user.click(screen.getByRole("button", { name: "Take over" }));
    await waitFor(() => expect(patches(requests)).toEqual([{ keys: { palette: "", "tabs.close": "Mod+K" } }]));
  });

  it("are found by name or key, and reset one by one", async () => {
    const { user, requests } = await open(
      "keys",
      {},
      makeMe({ settings: { ...settings, keys: { palette: "Mod+P" } } }),
    );
    await user.type(await screen.findByRole("searchbox", { name: "Search actions and keys" }), "commands");
    expect(screen.queryByText("Close tab")).toBeNull();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Commands and search: back to Ctrl K" }));
    await waitFor(() => expect(patches(requests)).toEqual([{ keys: {} }]));
  });
});

const session = {
  id: "20000000-0000-4000-8000-000000000001",
  current: true,
  kind: "browser",
  client: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  address: "192.0.2.1",
  created_at: "2026-11-01T10:00:00Z",
  last_seen_at: "2026-11-20T10:00:00Z",
  expires_at: "2026-12-20T10:00:00Z",
};
const other = {
  ...session,
  id: "20000000-0000-4000-8000-000000000002",
  current: false,
  client: "python-httpx/0.28",
  kind: "api",
};
const security = {
  "GET /api/v1/auth/sessions": { items: [session, other] },
  "GET /api/v1/auth/passkeys": { items: [] },
};

describe("security", () => {
  it("switches the second step on and lets nobody leave without the codes", async () => {
    let isOn = false;
    const { user, requests } = await open("security", {
      ...security,
      "GET /api/v1/auth/me": () => makeMe({ totp_enabled: isOn }),
      "POST /api/v1/auth/totp": {
        secret: "ABCDEFGHIJKL",
        uri: "otpauth://totp/x",
        qr_svg: '<svg viewBox="0 0 29 29"><path transform="scale(1)" stroke="#000" d="M1 1h7"/></svg>',
      },
      "POST /api/v1/auth/totp/confirm": ({ body }: Seen) => {
        if ((body as { code: string }).code !== "123456") {
          return problem(422, "http.invalid_request", [{ field: "code", message: "wrong", code: "wrong" }]);
        }
        isOn = true;
        return { recovery_codes: ["aaaa-bbbb", "cccc-dddd"] };
      },
    });
    const group = (await screen.findByRole("heading", { name: "Second step with an app" })).closest("section");
    await user.click(within(group as HTMLElement).getByRole("button", { name: "Switch on" }));
    expect(await screen.findByRole("img", { name: "QR code for the authenticator app" })).toBeVisible();
    expect(screen.getByText("ABCD EFGH IJKL")).toBeVisible();
    await user.type(screen.getByLabelText("Code from the app"), "000 000{Enter}");
    expect(await screen.findByText(/Codes change every 30 seconds/)).toBeVisible();
    await user.clear(screen.getByLabelText("Code from the app"));
    await user.type(screen.getByLabelText("Code from the app"), "123 456{Enter}");
    expect(await screen.findByText("aaaa-bbbb")).toBeVisible();
    await user.keyboard("{Escape}");
    expect(screen.getByText("cccc-dddd")).toBeVisible();
    expect(screen.getByRole("button", { name: "Done" })).toBeDisabled();
    await expectAccessible();
    await user.click(screen.getByRole("checkbox", { name: "I have kept the codes" }));
    await user.click(screen.getByRole("button", { name: "Done" }));
    expect(await within(group as HTMLElement).findByRole("button", { name: "Switch off" })).toBeVisible();
    expect(requests.filter((request) => request.path.endsWith("/totp")).length).toBe(1);
  });

  it("asks once more before the second step goes or its codes are new", async () => {
    const { user, requests } = await open(
      "security",
      {
        ...security,
        "POST /api/v1/auth/totp/recovery-codes": { recovery_codes: ["aaaa-bbbb"] },
        "DELETE /api/v1/auth/totp": null,
      },
      makeMe({ totp_enabled: true }),
    );
    await user.click(await screen.findByRole("button", { name: "New recovery codes" }));
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Make codes" }));
    expect(await screen.findByText("aaaa-bbbb")).toBeVisible();
    await user.click(screen.getByRole("checkbox", { name: "I have kept the codes" }));
    await user.click(screen.getByRole("button", { name: "Done" }));
    await user.click(await screen.findByRole("button", { name: "Switch off" }));
    const question = await screen.findByRole("alertdialog", { name: "Switch off the second step" });
    await user.click(within(question).getByRole("button", { name: "Switch off" }));
    await waitFor(() => expect(requests.some(({ method }) => method === "DELETE")).toBe(true));
  });

  it("changes the password and names what is wrong with it", async () => {
    const answers = [
      problem(422, "http.invalid_request", [{ field: "current_password", message: "wrong", code: "wrong" }]),
      null,
    ];
    const { user, requests } = await open("security", {
      ...security,
      "POST /api/v1/auth/change-password": () => answers.shift(),
    });
    await user.click(await screen.findByRole("button", { name: "Change password" }));
    await user.type(screen.getByLabelText("Present password"), "not this one");
    await user.type(screen.getByLabelText("New password"), "a long new password{Enter}");
    expect(await screen.findByText("This is not your present password.")).toBeVisible();
    await user.clear(screen.getByLabelText("Present password"));
    await user.type(screen.getByLabelText("Present password"), "the old password{Enter}");
    expect(await screen.findByText("The new password is set, other devices are signed out")).toBeVisible();
    expect(requests.findLast((request) => request.path.endsWith("change-password"))?.body).toEqual({
      current_password: "the old password",
      new_password: "a long new password",
    });
  });

  it("signs out one device, and all others after a question", async () => {
    const { user, requests } = await open("security", {
      ...security,
      "DELETE /api/v1/auth/sessions/{id}": null,
      "DELETE /api/v1/auth/sessions": { ended: 1 },
    });
    expect(await screen.findByText("this device")).toBeVisible();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Sign out python-httpx 0.28" }));
    expect(await screen.findByText("python-httpx 0.28 signed out")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Sign out all others" }));
    const question = await screen.findByRole("alertdialog");
    expect(question).toHaveTextContent("One other device is signed out at once.");
    await user.click(within(question).getByRole("button", { name: "Sign out all others" }));
    await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
    expect(requests.filter((request) => request.method === "DELETE").map((request) => request.path)).toEqual([
      `/api/v1/auth/sessions/${other.id}`,
      "/api/v1/auth/sessions",
    ]);
  });

  it("tells that a list could not be read, and tries again", async () => {
    const answer = vi.fn(() => problem(503, "database.away"));
    const { user } = await open("security", { ...security, "GET /api/v1/auth/sessions": answer });
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("The database does not answer right now.");
    await user.click(within(alert).getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(answer).toHaveBeenCalledTimes(2));
  });
});

describe("access tokens", () => {
  it("are shown once, with no more rights than the person has", async () => {
    const token = {
      id: "30000000-0000-4000-8000-000000000001",
      name: "Script",
      scopes: ["account:read"],
      ending: "a81e",
      created_at: "2026-11-20T10:00:00Z",
      expires_at: null,
      last_used_at: null,
    };
    const { user, requests } = await open("tokens", {
      "GET /api/v1/auth/tokens": { items: [] },
      "POST /api/v1/auth/tokens": { ...token, token: "ktr_secret-a81e" },
    });
    expect(await screen.findByRole("heading", { name: "No tokens yet" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Make token" }));
    const dialog = await screen.findByRole("dialog");
    expect(within(dialog).queryByRole("checkbox", { name: "read the administration" })).toBeNull();
    await expectAccessible();
    await user.type(within(dialog).getByLabelText("What is it for?"), "Script{Enter}");
    expect(await screen.findByText("ktr_secret-a81e")).toBeVisible();
    expect(requests.find((request) => request.method === "POST")?.body).toEqual({
      name: "Script",
      scopes: ["account:read"],
      expires_in_days: 90,
    });
    await user.click(screen.getByRole("button", { name: "Done" }));
    await waitFor(() => expect(screen.queryByText("ktr_secret-a81e")).toBeNull());
  });
});

describe("privacy", () => {
  const line = {
    id: 3,
    at: "2026-11-20T10:00:00Z",
    actor: { id: null, name: null, role: "admin" },
    action: "full_access.content_read",
    subject: null,
    details: { reason: "Request 4711" },
    address: null,
    request_id: null,
  };
  const signIn = {
    ...line,
    id: 2,
    actor: { id: makeMe().id, name: "R. K.", role: "user" },
    action: "sign_in.succeeded",
    details: { way: "passkey" },
    address: "192.0.2.1",
  };

  it("shows who looked and where one signed in", async () => {
    const { user } = await open("privacy", { "GET /api/v1/audit/mine": { items: [line, signIn], next_cursor: null } });
    expect(await screen.findByText("Your content was looked at")).toBeVisible();
    expect(screen.getByText("by an administrator, reason: Request 4711")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Sign-ins" }));
    expect(screen.queryByText("Your content was looked at")).toBeNull();
    expect(screen.getByText("Signed in with a passkey")).toBeVisible();
    await expectAccessible();
  });

  it.each([
    [true, /You find that line below and get a message/, "There is no line about a look at your content."],
    [false, /does not show you that line/, "This installation does not show people who looked at their content."],
  ])("promises what the installation keeps (owners see it: %s)", async (seen, promise, none) => {
    const here = { "GET /api/v1/installation": { ...installation, owners_see_full_access: seen } };
    const { user } = await open("privacy", { ...here, "GET /api/v1/audit/mine": { items: [], next_cursor: null } });
    expect(await screen.findByText(promise)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Access by others" }));
    expect(await screen.findByText(none)).toBeVisible();
  });

  it.each([true, false])("names the message that cannot be switched off only where there is one (%s)", async (seen) => {
    const { client } = await open("notifications", {
      "GET /api/v1/installation": { ...installation, owners_see_full_access: seen },
    });
    await waitFor(() => expect(client.getQueryState(["installation"])?.status).toBe("success"));
    await waitFor(() => expect(screen.queryAllByText(/cannot be switched off/)).toHaveLength(seen ? 1 : 0));
  });

  it("reads on by cursor", async () => {
    const { user, requests } = await open("privacy", {
      "GET /api/v1/audit/mine": ({ search }: Seen) =>
        search.get("cursor") ? { items: [line], next_cursor: null } : { items: [signIn], next_cursor: "further" },
    });
    await user.click(await screen.findByRole("button", { name: "Load more" }));
    expect(await screen.findByText("Your content was looked at")).toBeVisible();
    expect(requests.at(-1)?.search.get("cursor")).toBe("further");
  });
});

describe("finding a setting", () => {
  it("leads to its address", async () => {
    const { user } = await renderScreen(<SettingsSidebar />, { at: "/settings/profile", path: "/settings/$section" });
    expect(screen.getByRole("link", { name: "Profile" })).toHaveAttribute("aria-current", "page");
    await user.type(screen.getByRole("searchbox", { name: "Search settings" }), "2fa");
    expect(screen.getByRole("link", { name: /Second step with an app/ })).toHaveAttribute(
      "href",
      "/settings/security#totp",
    );
    await user.type(screen.getByRole("searchbox", { name: "Search settings" }), "xyz");
    expect(screen.getByRole("status")).toHaveTextContent("Nothing here is called “2faxyz”.");
  });

  it("puts the keyboard on the setting of an anchor", async () => {
    await open("appearance#text-size");
    await waitFor(() => expect(document.getElementById("text-size")).toHaveFocus());
  });

  it("says so where there is no such section", async () => {
    await open("nonsense");
    expect(await screen.findByRole("heading", { name: "This section does not exist" })).toBeVisible();
  });
});
