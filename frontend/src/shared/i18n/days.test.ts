// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { addDays, addMonths, readDay, weeksOf, writeDay } from "./days";

const de = { language: "de", tag: "de-DE", timeZone: "Europe/Berlin", currency: "EUR" } as const;
const en = { language: "en", tag: "en-GB", timeZone: "America/Los_Angeles", currency: "EUR" } as const;

describe("days", () => {
  it.each([
    ["20.11.2026", "2026-11-20"],
    ["1.2.26", "2026-02-01"],
    ["20/11/2026", "2026-11-20"],
    [" 20. 11. 2026 ", "2026-11-20"],
    ["2026-11-20", "2026-11-20"],
    ["2026-2-1", "2026-02-01"],
    ["29.02.2028", "2028-02-29"],
    ["29.02.2026", null],
    ["31.11.2026", null],
    ["00.01.2026", null],
    ["11/20/2026", null],
    ["20.11.", null],
    ["yesterday", null],
    ["", null],
  ])("reads %s", (text, day) => {
    expect(readDay(text)).toBe(day);
  });

  it("writes what it reads, in either format, wherever the person is", () => {
    expect(writeDay("2026-11-20", de)).toBe("20.11.2026");
    expect(writeDay("2026-01-02", en)).toBe("02/01/2026");
    for (let day = "2026-01-01"; day < "2029-01-01"; day = addDays(day, 17)) {
      expect([readDay(writeDay(day, de)), readDay(writeDay(day, en))]).toEqual([day, day]);
    }
  });

  it("counts months by the calendar", () => {
    expect(addMonths("2026-01-31", 1)).toBe("2026-02-28");
    expect(addMonths("2026-01-15", -1)).toBe("2025-12-15");
    expect(addMonths("2026-11-30", 3)).toBe("2027-02-28");
  });

  it("lays a month out in whole weeks from Monday", () => {
    const weeks = weeksOf("2026-11-20");
    expect(weeks.map((week) => week.length)).toEqual([7, 7, 7, 7, 7, 7]);
    expect([weeks[0]?.[0], weeks.at(-1)?.[6]]).toEqual(["2026-10-26", "2026-12-06"]);
    expect(weeksOf("2027-02-10")).toHaveLength(4);
  });
});
