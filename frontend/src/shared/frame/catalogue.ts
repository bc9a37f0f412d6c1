import type { Bilingual } from "../keys/registry";
import type { IconType } from "../ui/icons";
import type { Me, PaletteEntry } from "./feature";

export interface Setting {
  /** Also its anchor: /settings/appearance#theme */
  readonly id: string;
  readonly title: Bilingual;
  /** Other words people look for it by. */
  readonly words: Bilingual;
  readonly visible?: (me: Me) => boolean;
}

export interface Section<Id extends string = string> {
  readonly id: Id;
  readonly title: Bilingual;
  readonly icon: IconType;
  /** Stands above the first of the sections that share it. */
  readonly caption?: Bilingual;
  readonly settings: readonly Setting[];
  readonly visible?: (me: Me) => boolean;
}

interface Hit<Id extends string> {
  readonly section: Section<Id>;
  readonly setting: Setting;
}

/** Every setting of an area, for the list at the left, its search and the palette. The screens show the same titles. */
export interface Catalogue<Id extends string = string> {
  readonly settings: readonly Setting[];
  readonly section: (id: string) => Section<Id> | undefined;
  readonly title: (settingId: string) => Bilingual;
  readonly address: (section: Section<Id>) => string;
  readonly sectionsFor: (me: Me) => readonly Section<Id>[];
  /** Sections by their title, and settings by title, section or other words, in either language; every word counts. */
  readonly find: (query: string, me: Me) => { sections: readonly Section<Id>[]; hits: readonly Hit<Id>[] };
  readonly paletteEntries: (query: string, me: Me, language: "de" | "en") => PaletteEntry[];
}

const plain = (text: string) => text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
const both = (...words: Bilingual[]) => plain(words.flatMap(({ de, en }) => [de, en]).join(" "));

/** `path` is the area's address, `title` its name. */
export function makeCatalogue<Id extends string>(
  path: string,
  title: Bilingual,
  sections: readonly Section<Id>[],
): Catalogue<Id> {
  const settings = sections.flatMap((section) => section.settings);
  const address = (section: Section<Id>) => `${path}/${section.id}`;
  const sectionsFor = (me: Me) => sections.filter((section) => section.visible?.(me) ?? true);
  const find = (query: string, me: Me) => {
    const needles = plain(query).split(/\s+/).filter(Boolean);
    if (needles.length === 0) return { sections: [], hits: [] };
    const fits = (text: string) => needles.every((needle) => text.includes(needle));
    const visible = sectionsFor(me);
    return {
      sections: visible.filter((section) => fits(both(section.title))),
      hits: visible.flatMap((section) =>
        section.settings
          .filter((setting) => setting.visible?.(me) ?? true)
          .filter((setting) => fits(both(section.title, setting.title, setting.words)))
          .map((setting) => ({ section, setting })),
      ),
    };
  };
  return {
    settings,
    section: (id) => sections.find((section) => section.id === id),
    title: (settingId) => {
      const setting = settings.find(({ id }) => id === settingId);
      if (!setting) throw new Error(`There is no setting "${settingId}" in the catalogue.`);
      return setting.title;
    },
    address,
    sectionsFor,
    find,
    paletteEntries: (query, me, language) => {
      const found = find(query, me);
      return [
        ...found.sections.map((section) => ({
          id: section.id,
          title: section.title[language],
          aside: title[language],
          icon: section.icon,
          path: address(section),
        })),
        ...found.hits.map(({ section, setting }) => ({
          id: `${section.id}.${setting.id}`,
          title: setting.title[language],
          hint: setting.words[language],
          aside: section.title[language],
          icon: section.icon,
          path: `${address(section)}#${setting.id}`,
        })),
      ];
    },
  };
}
