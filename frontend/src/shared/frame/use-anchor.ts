import { useLocation } from "@tanstack/react-router";
import { useEffect } from "react";

const SHOWN_FOR_MS = 1600;
const GIVE_UP_AFTER_MS = 5000;

/**
 * An address with an anchor leads to its setting, also when its data come a moment later: in view, marked for a moment,
 * and the keyboard starts there.
 */
export function useAnchor(): void {
  const { hash, state } = useLocation();
  const turn = state.__TSR_key ?? "";
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same anchor chosen again is shown again
  useEffect(() => {
    if (!hash) return;
    let shown: HTMLElement | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      const element = document.getElementById(hash);
      if (!element || shown) return;
      shown = element;
      observer.disconnect();
      element.scrollIntoView({ block: "start" });
      element.focus({ preventScroll: true });
      element.dataset.found = "";
      timer = setTimeout(() => delete element.dataset.found, SHOWN_FOR_MS);
    };
    const observer = new MutationObserver(show);
    observer.observe(document.body, { childList: true, subtree: true });
    show();
    const giveUp = setTimeout(() => observer.disconnect(), GIVE_UP_AFTER_MS);
    return () => {
      observer.disconnect();
      clearTimeout(timer);
      clearTimeout(giveUp);
      if (shown) delete shown.dataset.found;
    };
  }, [hash, turn]);
}
