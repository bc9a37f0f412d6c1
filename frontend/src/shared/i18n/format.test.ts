// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatDateTime,
  formatDuration,
  formatMoney,
  formatPercent,
  formatTableDate,
  formatWhen,
} from "./format";
import { deviceLanguage, type Locale } from "./locale";

const de: Locale = { language: "de", tag: "de-DE", timeZone: "Europe/Berlin", currency: "EUR" };
const en: Locale = { ...de, language: "en", tag: "en-GB" };
const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, " ");
const now = "2026-11-20T14:00:00Z";

describe("dates", () => {
  it("are written in the person's own zone", () => {
    expect(formatDateTime("2026-11-20T13:32:00Z", de)).toBe("20. Nov. 2026, 14:32");
    expect(formatDateTime("2026-11-20T13:32:00Z", en)).toBe("20 Nov 2026, 14:32");
    expect(formatTableDate("2026-11-20T23:30:00Z", de)).toBe("21.11.2026");
    expect(formatTableDate("2026-11-20T13:32:00Z", en)).toBe("20/11/2026");
  });

  it("are relative under an hour only, then in words, then dates", () => {
    expect(plain(formatWhen("2026-11-20T13:48:00Z", now, de))).toBe("vor 12 Min.");
    expect(plain(formatWhen("2026-11-20T13:59:50Z", now, en))).toBe("just now");
    expect(formatWhen("2026-11-20T08:14:00Z", now, de)).toBe("heute, 09:14");
    expect(formatWhen("2026-11-19T08:14:00Z", now, en)).toBe("yesterday");
    expect(formatWhen("2026-11-12T08:14:00Z", now, de)).toBe("12. Nov.");
    expect(formatWhen("2025-11-12T08:14:00Z", now, en)).toBe("12 Nov 2025");
    expect(formatWhen("2026-11-21T08:00:00Z", now, en)).toBe("tomorrow, 09:00");
    expect(plain(formatWhen("2026-11-20T14:30:00Z", now, de))).toBe("in 30 Min.");
  });
});

describe("figures", () => {
  it("have their unit after a no-break space, and one decimal below ten", () => {
    expect(formatBytes(6_100_000_000, de)).toBe("6,1\u00a0GB");
    expect(formatBytes(48_200_000_000, en)).toBe("48\u00a0GB");
    expect(formatBytes(512, en)).toBe("512\u00a0B");
    expect(formatBytes(9_970_000, en)).toBe("10\u00a0MB");
  });

  it("write per cent as the language does", () => {
    expect(plain(formatPercent(0.94, 0, de))).toBe("94 %");
    expect(formatPercent(0.94, 0, en)).toBe("94%");
  });

  it("say durations in their two largest parts", () => {
    expect(plain(formatDuration(40, en))).toBe("40 s");
    expect(plain(formatDuration(220, en))).toBe("3 min 40 s");
    expect(plain(formatDuration(7500, de))).toBe("2 Std. 5 Min.");
    expect(plain(formatDuration(6 * 86_400 + 5, de))).toBe("6 Tage");
  });
});

describe("money", () => {
  const money = (nano: number, options = {}, locale = de) => plain(formatMoney(nano, "EUR", options, locale));

  it("reads in cents below one euro, with one decimal", () => {
    expect(money(28_000_000)).toBe("2,8 ct");
    expect(money(28_000_000, {}, en)).toBe("2.8 ct");
    expect(money(27_640_000_000)).toBe("27,64 €");
    expect(money(27_640_000_000, {}, en)).toBe("€27.64");
    expect(money(400_000)).toBe("unter 0,1 ct");
    expect(money(0)).toBe("0,00 €");
  });

  it("rounds estimates up and charges half up, and gives receipts four decimals", () => {
    expect(money(28_100_000, { rounding: "up" })).toBe("2,9 ct");
    expect(money(28_400_000)).toBe("2,8 ct");
    expect(money(28_500_000)).toBe("2,9 ct");
    expect(money(27_828_000, { receipt: true })).toBe("2,7828 ct");
  });
});

describe("the language of the device", () => {
  it("is the first of ours that it asks for, English otherwise", () => {
    expect(deviceLanguage(["fr-FR", "de-AT", "en"])).toBe("de");
    expect(deviceLanguage(["fr-FR"])).toBe("en");
  });
});
