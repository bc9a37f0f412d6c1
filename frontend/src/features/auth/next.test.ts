// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { safeNext } from "./next";

describe("the page that was wanted", () => {
  it.each([
    ["/settings/keys?x=1#bindings", "/settings/keys?x=1#bindings"],
    ["/", "/"],
    [undefined, "/"],
    [7, "/"],
    ["https://example.org/", "/"],
    ["//example.org", "/"],
    ["/\\example.org", "/"],
    ["/.//example.org", "/"],
    ["/settings/..//example.org", "/"],
    ["/%2e//example.org/x", "/"],
    ["/\t/example.org", "/"],
    ["javascript:alert(1)", "/"],
    ["settings", "/"],
    ["/login?next=/login", "/"],
    ["/api/v1/auth/oidc/x", "/"],
    ["/loginhelp", "/loginhelp"],
  ])("%s leads to %s", (wanted, path) => {
    expect(safeNext(wanted)).toBe(path);
  });
});
