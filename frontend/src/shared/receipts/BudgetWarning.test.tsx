import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { expectAccessible, renderScreen } from "../test/render";
import BudgetWarning from "./BudgetWarning";
import { type Budget, budgetsQuery, nearest } from "./budgets";

const budget = (id: string, period: Budget["period"], spent: number, change: Partial<Budget> = {}): Budget => ({
  id,
  subject: "person",
  subject_id: "p1",
  period,
  currency: "EUR",
  limit_nano: 100,
  spent_nano: spent,
  held_nano: 0,
  warn_percent: 80,
  stops: true,
  is_imposed: false,
  period_from: "2026-11-01T00:00:00Z",
  warned_at: null,
  ...change,
});
const of = (...items: Budget[]) => ({ items, version: 1, currency: "EUR" });

describe("a limit that is near", () => {
  it("is the one nearest to its end, and none while all are far", () => {
    expect(nearest([budget("a", "day", 79), budget("b", "month", 10)])).toBeNull();
    expect(nearest([budget("a", "day", 85), budget("b", "month", 130), budget("c", "total", 99)])?.id).toBe("b");
    expect(nearest([budget("a", "day", 0, { limit_nano: 0 })])?.id).toBe("a");
  });

  it("stands in words where one works, and is said once when it comes about", async () => {
    const { client } = await renderScreen(<BudgetWarning />, {
      network: { "GET /api/v1/billing/budgets": of(budget("a", "day", 90), budget("b", "month", 10)) },
      language: "de",
    });
    const link = await screen.findByRole("link", { name: /Tagesgrenze: 90\s% verbraucht/ });
    expect(link).toHaveAttribute("href", "/limits");
    expect(screen.queryByRole("status", { name: /grenze/ })).toBeNull();
    client.setQueryData(
      budgetsQuery.queryKey,
      of(budget("a", "day", 90), budget("b", "month", 101), budget("k", "day", 1, { subject: "key" })),
    );
    expect(await screen.findByRole("link", { name: /Monatsgrenze: 101\s% verbraucht/ })).toBeVisible();
    // The link, the message, and what is said to readers of the screen; of the day's limit no word more.
    expect((await screen.findAllByText(/Monatsgrenze: 101/)).length).toBeGreaterThan(1);
    expect(screen.queryByText(/Tagesgrenze/)).toBeNull();
    await expectAccessible();
  });
});
