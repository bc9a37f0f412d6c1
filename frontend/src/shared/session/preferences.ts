import { useEffect } from "react";
import { setLocale } from "../i18n/locale";
import { setKeyOverrides } from "../keys/registry";
import type { Settings } from "./queries";

/** Puts what the person has set onto the document: language, zone, theme, text size, motion, keys. */
export function applyPreferences(settings: Settings): void {
  // Version 0 is somebody who never set anything: the device knows their zone better than the default.
  const timeZone = settings.version > 0 ? settings.timezone : undefined;
  setLocale({ language: settings.language, timeZone, currency: settings.currency });
  const root = document.documentElement;
  root.dataset.theme = settings.theme;
  root.dataset.textSize = String(settings.text_size);
  if (settings.reduced_motion === "on") root.dataset.motion = "reduced";
  else delete root.dataset.motion;
  setKeyOverrides(settings.keys ?? {});
}

export function useApplyPreferences(settings: Settings | undefined): void {
  useEffect(() => {
    if (settings) applyPreferences(settings);
  }, [settings]);
}
