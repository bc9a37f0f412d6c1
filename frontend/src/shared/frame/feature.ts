import type { ReactNode } from "react";
import type { Schemas } from "../api/client";
import type { ActionDefinition, Bilingual } from "../keys/registry";
import type { IconType } from "../ui/icons";

export type Me = Schemas["MeRead"];
/** A module whose default export is a component without props. */
type Lazy = () => Promise<{ default: () => ReactNode }>;
export type Params = Readonly<Record<string, string>>;

/** One address. The screen is loaded when someone goes there. */
export interface AppRoute {
  /** As the router writes it: "/settings/$section". */
  readonly path: string;
  readonly load: Lazy;
  /** The tab's title until the screen names itself with `useSheet`. */
  readonly title: Bilingual;
  /** What its screens call themselves, where that is more than one name. Loaded to name tabs in another language. */
  readonly names?: () => Promise<(params: Params) => Bilingual | undefined>;
  readonly icon: IconType;
  /** "workspace" stands in the frame and needs a session; "plain" fills the window and does not. */
  readonly look?: "workspace" | "plain";
  /** Lights up this area in the rail and shows its sidebar. */
  readonly area?: string;
  /** Addresses with the same key share a tab; by default all of an area do. */
  readonly tab?: (params: Params) => string;
  /** Others see the "not allowed" state; the server refuses them anyway. */
  readonly visible?: (me: Me) => boolean;
  /** Search parameters as the screen gets them from `useSearch`. Unknown ones are dropped here. */
  readonly search?: (raw: Record<string, unknown>) => Record<string, unknown>;
}

/** A place in the rail. */
export interface Area {
  readonly id: string;
  readonly title: Bilingual;
  readonly icon: IconType;
  readonly path: string;
  readonly place: "top" | "bottom" | "none";
  /** The second key after G. */
  readonly goKey?: string;
  readonly visible?: (me: Me) => boolean;
  readonly sidebar?: Lazy;
  /** A hook: true shows the dot for news. */
  readonly useUnread?: () => boolean;
}

/** A line in the palette. */
export interface PaletteEntry {
  readonly id: string;
  readonly title: string;
  readonly hint?: string;
  readonly aside?: string;
  /** Further words by which it is found; not shown. */
  readonly words?: string;
  readonly icon: IconType;
  readonly keys?: readonly string[];
  /** Either a place to go, or a deed. */
  readonly path?: string;
  readonly run?: () => void;
  /** What the right side says about it. */
  readonly preview?: {
    readonly title: string;
    readonly text?: string;
    readonly facts?: readonly (readonly [string, string])[];
    /** More than words: a passage on its page. Fills what is left of the right side. */
    readonly body?: () => ReactNode;
  };
}

/** Where the palette looks. `search` may be quick and local or ask the server; late answers never move rows. */
export interface PaletteProvider {
  readonly id: string;
  readonly title: Bilingual;
  /** Only asked when the query begins with this character. */
  readonly prefix?: "@" | "#";
  readonly prefixTitle?: Bilingual;
  /** Looks through what people have written, which takes its time: what it finds stands below all places. */
  readonly isContent?: boolean;
  readonly visible?: (me: Me) => boolean;
  readonly search: (
    query: string,
    context: { me: Me; language: "de" | "en"; signal: AbortSignal },
  ) => Promise<PaletteEntry[]> | PaletteEntry[];
}

/** All that a feature brings. `features/<name>/routes.tsx` exports one. */
export interface Feature {
  readonly id: string;
  readonly routes: readonly AppRoute[];
  readonly areas?: readonly Area[];
  readonly actions?: readonly ActionDefinition[];
  readonly palette?: readonly PaletteProvider[];
}

export function defineFeature(feature: Feature): Feature {
  return feature;
}

/** Which route an address belongs to. A fixed segment beats a parameter. */
export function matchRoute(routes: readonly AppRoute[], path: string): { route: AppRoute; params: Params } | undefined {
  const pathname = path.split(/[?#]/)[0] ?? "/";
  const parts = pathname.split("/").filter(Boolean);
  let best: { route: AppRoute; params: Params; weight: number } | undefined;
  for (const route of routes) {
    const pattern = route.path.split("/").filter(Boolean);
    if (pattern.length !== parts.length) continue;
    const params: Record<string, string> = {};
    let weight = 0;
    const fits = pattern.every((piece, index) => {
      const part = parts[index] as string;
      if (piece.startsWith("$")) {
        params[piece.slice(1)] = decodeURIComponent(part);
        return true;
      }
      weight += 1;
      return piece === part;
    });
    if (fits && (!best || weight > best.weight)) best = { route, params, weight };
  }
  return best && { route: best.route, params: best.params };
}

export function tabKeyOf(route: AppRoute, params: Params): string {
  return route.tab?.(params) ?? route.area ?? route.path;
}
