import { describe, expect, it } from "vitest";
import { clientName } from "@/shared/session/client-name";
import { makeMe } from "@/shared/test/people";
import { catalogue } from "./catalogue";

const ids = (query: string, me = makeMe()) => catalogue.find(query, me).hits.map(({ setting }) => setting.id);

describe("searching settings", () => {
  it("finds them in both languages, by other words, without accents", () => {
    expect(ids("nachtmodus")).toEqual(["theme"]);
    expect(ids("2fa")).toEqual(["totp"]);
    expect(ids("WAHRUNG")).toEqual(["currency"]);
    expect(ids("security password")).toEqual(["password"]);
    expect(ids("xyzzy")).toEqual([]);
    expect(ids("  ")).toEqual([]);
  });

  it("finds sections by their own name only", () => {
    expect(catalogue.find("tasten", makeMe()).sections.map(({ id }) => id)).toEqual(["keys"]);
    expect(catalogue.find("nachtmodus", makeMe()).sections).toEqual([]);
  });

  it("offers nobody what they cannot set", () => {
    expect(ids("approval")).toEqual([]);
    expect(ids("approval", makeMe({ role: "manager" }))).toEqual(["notify-approvals"]);
  });

  it("has one address for each", () => {
    const all = catalogue.settings.map((setting) => setting.id);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe("the name of a device", () => {
  it.each([
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
      "Edge, Windows",
    ],
    [
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
      "Safari, macOS",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1",
      "Safari, iPhone",
    ],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox, Linux"],
    ["python-httpx/0.28.1", "python-httpx 0.28.1"],
    ["", ""],
  ])("%s", (client, name) => {
    expect(clientName(client).name).toBe(name);
  });
});
