// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { argumentsOf } from "@/shared/i18n/icu";
import { knownTexts } from "@/shared/i18n/texts";
import { writeBinding } from "@/shared/keys/binding";
import { allActions, bindingOf } from "@/shared/keys/registry";
import "./actions";
import { features, routes } from "./features";

// Every catalogue beside a feature, so that none is missed because its screen is loaded late.
const modules = import.meta.glob(["../features/**/texts.ts", "../shared/**/*texts.ts", "./texts.ts"], { eager: true });

describe("every text", () => {
  const catalogues = [...knownTexts().values()];

  it("is found by this test", () => {
    expect(Object.keys(modules).length).toBeGreaterThan(3);
    expect(catalogues.map((texts) => texts.namespace)).toEqual(
      expect.arrayContaining(["app", "ui", "problems", "start"]),
    );
  });

  it.each(catalogues.map((texts) => [texts.namespace, texts] as const))(
    "of %s can be said in both languages",
    (_name, texts) => {
      expect(Object.keys(texts.de).toSorted()).toEqual(Object.keys(texts.en).toSorted());
      for (const key of Object.keys(texts.en)) {
        const [en, de] = [texts.en[key] as string, texts.de[key] as string];
        expect(argumentsOf(de), `${texts.namespace}.${key}`).toEqual(argumentsOf(en));
      }
    },
  );

  it.each(catalogues.map((texts) => [texts.namespace, texts] as const))(
    "of %s keeps to the house style",
    (_name, texts) => {
      for (const [key, message] of [...Object.entries(texts.en), ...Object.entries(texts.de)]) {
        expect(message, key).not.toMatch(/!|—|\b(Oops|successfully|erfolgreich)\b/);
        expect(message.trim(), key).toBe(message);
      }
    },
  );
});

describe("what features bring", () => {
  it("has each address once, and an area for each that names one", () => {
    const paths = routes.map((route) => route.path.replaceAll(/\$[^/]+/g, "$"));
    expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([]);
    const areas = new Set(features.flatMap((feature) => feature.areas?.map((area) => area.id) ?? []));
    expect(routes.filter((route) => route.area && !areas.has(route.area)).map((route) => route.path)).toEqual([]);
  });

  it("binds no key twice in one place", () => {
    const seen = new Map<string, string>();
    for (const action of allActions()) {
      const key = writeBinding(bindingOf(action.id));
      if (!key) continue;
      const place = action.where === "tabs" ? "anywhere" : action.where;
      const other = seen.get(`${place} ${key}`);
      expect(other, `${action.id} and ${other} share ${key}`).toBeUndefined();
      seen.set(`${place} ${key}`, action.id);
    }
  });
});
