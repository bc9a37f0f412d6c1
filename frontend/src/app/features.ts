import { admin } from "@/features/admin/routes";
import { auth } from "@/features/auth/routes";
import { documents } from "@/features/documents/routes";
import { projects } from "@/features/projects/routes";
import { settings } from "@/features/settings/routes";
import { setup } from "@/features/setup/routes";
import { start } from "@/features/start/routes";
import { usage } from "@/features/usage/routes";
import type { AppRoute, Area, Feature } from "@/shared/frame/feature";
import { defineActions } from "@/shared/keys/registry";

/** Everything Kontor consists of. A new area is one line here; the rail shows them in this order. */
export const features: readonly Feature[] = [start, auth, setup, projects, documents, usage, settings, admin];

export const routes: readonly AppRoute[] = features.flatMap((feature) => feature.routes);
export const areas: readonly Area[] = features.flatMap((feature) => feature.areas ?? []);

for (const feature of features) {
  if (feature.actions) defineActions(feature.actions);
}

defineActions(
  areas
    .filter((area) => area.goKey)
    .map((area) => ({
      id: `go.${area.id}`,
      title: { en: `Go to ${area.title.en}`, de: `${area.title.de} öffnen` },
      keys: `G ${area.goKey}`,
      where: "anywhere" as const,
    })),
);
