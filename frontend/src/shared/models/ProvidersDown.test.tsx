import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { expectAccessible, renderScreen } from "../test/render";
import ProvidersDown from "./ProvidersDown";

const openai = { id: "50000000-0000-4000-8000-000000000001", kind: "openai", label: "OpenAI", is_local: false };
const campus = { ...openai, id: "50000000-0000-4000-8000-000000000002", label: "Campus gateway" };

describe("providers that are down", () => {
  it("are named where one works, and said once when one goes down", async () => {
    let down: unknown[] = [];
    const { client } = await renderScreen(<ProvidersDown className="flex" />, {
      network: { "GET /api/v1/admin/providers/down": () => ({ items: down }) },
    });
    const reload = () => client.invalidateQueries({ queryKey: ["admin", "providers"] });
    await waitFor(() => expect(client.getQueryData(["admin", "providers", "down"])).toBeDefined());
    expect(screen.queryByRole("link")).toBeNull();

    down = [openai];
    await reload();
    const one = await screen.findByRole("link", { name: "1 provider down: OpenAI" });
    expect(one).toHaveAttribute("href", `/admin/providers?id=${openai.id}`);
    // The words, and what is said to readers of the screen.
    expect(screen.getAllByText("1 provider down: OpenAI")).toHaveLength(2);

    down = [openai, campus];
    await reload();
    const two = await screen.findByRole("link", { name: "2 providers down: OpenAI, Campus gateway" });
    expect(two).toHaveAttribute("href", "/admin/providers");
    await expectAccessible();

    down = [campus];
    await reload();
    await screen.findByRole("link", { name: "1 provider down: Campus gateway" });
    expect(screen.getAllByText("1 provider down: Campus gateway")).toHaveLength(1);

    down = [];
    await reload();
    await waitFor(() => expect(screen.queryByRole("link")).toBeNull());
  });
});
