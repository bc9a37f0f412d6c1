import { createContext, type ReactNode, useContext } from "react";
import { useTexts } from "../i18n/texts";
import { uiTexts } from "./texts";

const ID = "overlays";

const InsideDialog = createContext(false);

/**
 * Menus, lists and tooltips are drawn here, so that whoever reads by landmarks finds them in one. Inside a dialog they
 * stay in the dialog, because everything outside of it is inert.
 */
export function Overlays() {
  const t = useTexts(uiTexts);
  return <section id={ID} aria-label={t("overlays")} />;
}

export function useOverlayRoot(): HTMLElement | undefined {
  const isInside = useContext(InsideDialog);
  return isInside ? undefined : (document.getElementById(ID) ?? undefined);
}

export function DialogContent({ children }: { children: ReactNode }) {
  return <InsideDialog value={true}>{children}</InsideDialog>;
}
