import { useMutation } from "@tanstack/react-query";
import { screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { announceSessionEnd, api, read } from "../../api/client";
import { PROOF_NEEDED } from "../../api/problem";
import { problem, type Seen } from "../../test/network";
import { installation } from "../../test/people";
import { expectAccessible, renderScreen } from "../../test/render";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FormProblem } from "../../ui/form-problem";
import { ProofHost } from "./ProofHost";

const wrong = (field: string) =>
  problem(422, "http.invalid_field", [{ field, message: "not this one", code: "wrong" }]);

/** A screen that knows nothing of proofs, with its button in a dialog of its own. */
function Screen() {
  const [isOpen, setOpen] = useState(true);
  const make = useMutation({
    mutationFn: () => read(api.POST("/api/v1/auth/tokens", { body: { name: "Script", scopes: ["account:read"] } })),
  });
  return (
    <>
      <Dialog open={isOpen} onOpenChange={setOpen} title="A token">
        <Button onClick={() => make.mutate()}>Make</Button>
        <FormProblem error={make.error} />
        <p>{make.status}</p>
      </Dialog>
      <ProofHost />
    </>
  );
}

/** A server that wants a proof first. */
function server(methods: readonly string[], prove: (request: Seen) => unknown = () => null) {
  let isProved = false;
  return {
    "GET /api/v1/installation": { ...installation, oidc: [{ id: "oidc", label: "Our house" }] },
    "POST /api/v1/auth/tokens": () =>
      isProved ? { id: "1", token: "ktr_x" } : problem(403, PROOF_NEEDED, [], { methods }),
    "POST /api/v1/auth/prove": (request: Seen) => {
      const answer = prove(request);
      isProved = answer === null;
      return answer;
    },
    "POST /api/v1/auth/prove/passkey/options": { challenge: "abc" },
    "POST /api/v1/auth/prove/passkey": () => {
      isProved = true;
      return null;
    },
  };
}

async function begin(...how: Parameters<typeof server>) {
  const shown = await renderScreen(<Screen />, { network: server(...how) });
  await shown.user.click(screen.getByRole("button", { name: "Make" }));
  await screen.findByRole("dialog", { name: "Confirm that it is you" });
  return shown;
}

const paths = (requests: readonly Seen[]) =>
  requests.filter(({ method }) => method === "POST").map(({ path }) => path.replace("/api/v1/auth/", ""));

const isOver = () => waitFor(() => expect(screen.queryByText("Confirm that it is you")).toBeNull());

afterEach(() => announceSessionEnd());

describe("a request that needs a proof", () => {
  it("waits for the password and goes on by itself", async () => {
    const { user, requests } = await begin(["password"]);
    await waitFor(() => expect(screen.getByLabelText("Your password")).toHaveFocus());
    await expectAccessible();
    await user.keyboard("{Enter}");
    expect(await screen.findByText("Please enter your password.")).toBeVisible();
    await user.keyboard("open sesame{Enter}");
    expect(await screen.findByText("success")).toBeVisible();
    await isOver();
    expect(paths(requests)).toEqual(["tokens", "prove", "tokens"]);
    expect(requests.find(({ path }) => path.endsWith("/prove"))?.body).toEqual({ password: "open sesame" });
    const [first, second] = requests.filter(({ path }) => path.endsWith("/tokens"));
    expect(second?.body).toEqual(first?.body);
    expect(second?.headers.get("X-Kontor-CSRF")).toBe("token-of-the-test");
  });

  it("says what is wrong, and takes a code instead", async () => {
    const { user, requests } = await begin(["password", "code"], ({ body }) =>
      body && "code" in (body as object) ? null : wrong("password"),
    );
    await user.type(screen.getByLabelText("Your password"), "open barley{Enter}");
    expect(await screen.findByText("This is not your password.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Use a code instead" }));
    expect(screen.queryByText("This is not your password.")).toBeNull();
    await user.type(screen.getByLabelText("Code from your app"), "123 456{Enter}");
    expect(await screen.findByText("success")).toBeVisible();
    expect(requests.filter(({ path }) => path.endsWith("/prove")).at(-1)?.body).toEqual({ code: "123456" });
  });

  it.each(["{Escape}", "Cancel", "Close"])("is given up quietly with %s, and the screen below stays", async (how) => {
    const { user, requests } = await begin(["password"]);
    if (how.startsWith("{")) await user.keyboard(how);
    else await user.click(screen.getByRole("button", { name: how }));
    expect(await screen.findByText("error")).toBeVisible();
    await isOver();
    expect(screen.getByRole("dialog", { name: "A token" })).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
    expect(paths(requests)).toEqual(["tokens"]);
    // The next try asks anew.
    await user.click(screen.getByRole("button", { name: "Make" }));
    expect(await screen.findByRole("dialog", { name: "Confirm that it is you" })).toBeVisible();
  });

  it("shares one question with others that come at the same time", async () => {
    const { user, requests } = await begin(["password"]);
    const other = read(api.POST("/api/v1/auth/tokens", { body: { name: "Other", scopes: ["account:read"] } }));
    await user.type(screen.getByLabelText("Your password"), "open sesame{Enter}");
    await expect(other).resolves.toMatchObject({ token: "ktr_x" });
    expect(paths(requests).filter((path) => path === "prove")).toHaveLength(1);
  });

  it("is not repeated in a session that has ended", async () => {
    const { requests } = await begin(["password"]);
    announceSessionEnd();
    await isOver();
    expect(await screen.findByText("error")).toBeVisible();
    expect(paths(requests)).toEqual(["tokens"]);
  });

  it("can be proved by passkey where the browser has one", async () => {
    class FakeCredential {
      static parseRequestOptionsFromJSON = (options: unknown) => options;
      static parseCreationOptionsFromJSON = (options: unknown) => options;
      toJSON() {
        return { id: "key" };
      }
    }
    vi.stubGlobal("isSecureContext", true);
    vi.stubGlobal("PublicKeyCredential", FakeCredential);
    vi.stubGlobal("navigator", Object.assign(navigator, { credentials: { get: async () => new FakeCredential() } }));
    const { user, requests } = await begin(["passkey"]);
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Use a passkey" }));
    expect(await screen.findByText("success")).toBeVisible();
    expect(paths(requests)).toEqual(["tokens", "prove/passkey/options", "prove/passkey", "tokens"]);
    expect(requests.find(({ path }) => path.endsWith("/prove/passkey"))?.body).toEqual({ credential: { id: "key" } });
  });

  it("leads over the provider and back, where there is nothing else", async () => {
    await begin(["provider"]);
    const link = await screen.findByRole("button", { name: "Sign in again with Our house" });
    expect(link).toHaveAttribute("href", "/api/v1/auth/oidc/oidc?fresh=1&next=%2F");
    await expectAccessible();
  });

  it("says what to do where nothing can be asked for", async () => {
    await begin([]);
    expect(screen.getByText(/Please sign out and in again/)).toBeVisible();
    await expectAccessible();
  });
});
