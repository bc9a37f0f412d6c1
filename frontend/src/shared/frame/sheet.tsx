import { createContext, type ReactNode, useContext, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { useTexts } from "../i18n/texts";
import { cx } from "../ui/cx";
import { PRODUCT_NAME } from "../ui/logo";
import { announce } from "./announcer";
import { frameTexts } from "./texts";

export type TabState = "running" | "unread" | "draft" | "alert";

/** What a screen can say to the sheet it stands on. Filled by the app. */
export interface SheetValue {
  readonly pane: "main" | "second";
  /** Identifies the tab and address, so that its place in the text can be kept. */
  readonly place: string;
  readonly isFocused: boolean;
  readonly nameTab: (name: { title: string; state?: TabState | null }) => void;
  /** Where inspectors are drawn; null while the inspector is closed. */
  readonly inspectorSlot: HTMLElement | null;
  /** A screen has something to show beside it; null takes it away. */
  readonly announceInspector: (title: string | null) => void;
  readonly isInspectorOpen: boolean;
  readonly setInspectorOpen: (open: boolean) => void;
}

const quiet: SheetValue = {
  pane: "main",
  place: "",
  isFocused: true,
  nameTab: () => {},
  inspectorSlot: null,
  announceInspector: () => {},
  isInspectorOpen: false,
  setInspectorOpen: () => {},
};

/** Without a provider a screen still works, which is what tests and plain pages use. */
export const SheetContext = createContext<SheetValue>(quiet);

export function useSheetContext(): SheetValue {
  return useContext(SheetContext);
}

/** Names the tab and the document. */
export function useSheet({ title, state = null }: { title: string; state?: TabState | null }): void {
  const { nameTab, isFocused } = useSheetContext();
  useEffect(() => {
    if (title) nameTab({ title, state });
  }, [title, state, nameTab]);
  useEffect(() => {
    if (!isFocused || !title) return;
    const before = document.title;
    document.title = `${title} – ${PRODUCT_NAME}`;
    // The page does not load anew, so nobody but us tells readers of the screen where they are now.
    if (before !== PRODUCT_NAME && before !== document.title) announce(title);
  }, [title, isFocused]);
}

// How far each place was scrolled, for as long as this window lives.
const scrolled = new Map<string, number>();

export function useKeptScroll<T extends HTMLElement>() {
  const { place } = useSheetContext();
  const ref = useRef<T>(null);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    element.scrollTop = scrolled.get(place) ?? 0;
    const keep = () => scrolled.set(place, element.scrollTop);
    element.addEventListener("scroll", keep, { passive: true });
    return () => element.removeEventListener("scroll", keep);
  }, [place]);
  return ref;
}

/**
 * A screen: head with title and actions, one scrolling body. Every screen of the workspace is one of these,
 * so that measures, headings and skip targets are the same everywhere.
 */
export function Screen({
  title,
  tabTitle,
  subtitle,
  breadcrumb,
  actions,
  below,
  state,
  width = "full",
  children,
}: {
  title: string;
  /** Shorter name for the tab, when the heading is long. */
  tabTitle?: string;
  subtitle?: ReactNode;
  breadcrumb?: ReactNode;
  actions?: ReactNode;
  /** Stays under the head while the body scrolls: tabs, filters. */
  below?: ReactNode;
  state?: TabState | null;
  /** `reading` is the column of 616 px, `form` a little wider, `full` uses the sheet. */
  width?: "full" | "form" | "reading";
  children: ReactNode;
}) {
  useSheet({ title: tabTitle ?? title, state });
  const { pane } = useSheetContext();
  const body = useKeptScroll<HTMLDivElement>();
  // A document has one main part; the second sheet of a split view is a region with the name of its screen.
  const Tag = pane === "main" ? "main" : "section";
  const column = cx(
    "mx-auto w-full px-4 @2xl:px-7",
    width === "reading" && "max-w-[42rem]",
    width === "form" && "max-w-[50rem]",
  );
  return (
    <Tag
      id={pane === "main" ? "main" : undefined}
      aria-label={pane === "main" ? undefined : title}
      tabIndex={-1}
      className="flex min-h-0 min-w-0 grow flex-col outline-none"
    >
      <div ref={body} className="scroll @container flex min-h-0 grow flex-col">
        <header
          className={cx(
            column,
            "flex flex-none flex-wrap items-center gap-x-2 gap-y-1 md:min-h-[3.75rem] md:pt-4 md:pb-3",
            // On a phone the bar above already says the title.
            subtitle || actions || breadcrumb ? "pt-3 pb-3" : "max-md:h-3",
          )}
        >
          <div className="min-w-0 grow">
            {breadcrumb}
            <h1 className="truncate text-xl font-semibold tracking-[-0.01em] max-md:sr-only">{title}</h1>
            {subtitle ? <div className="text-muted-foreground">{subtitle}</div> : null}
          </div>
          {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
        </header>
        {below ? <div className={cx(column, "sticky top-0 z-10 flex-none bg-background")}>{below}</div> : null}
        <div className={cx(column, "grow pb-8")}>{children}</div>
      </div>
    </Tag>
  );
}

/** For whoever chooses something that the inspector then shows; on a phone it would stay out of sight otherwise. */
export function useInspector(): { isOpen: boolean; setOpen: (open: boolean) => void } {
  const { isInspectorOpen, setInspectorOpen } = useSheetContext();
  return { isOpen: isInspectorOpen, setOpen: setInspectorOpen };
}

/** The panel at the right. Drawn where the sheet has room for it; closing it is remembered per person. */
export function Inspector({ title, children }: { title: string; children: ReactNode }) {
  const t = useTexts(frameTexts);
  const { inspectorSlot, announceInspector } = useSheetContext();
  useEffect(() => {
    announceInspector(title);
    return () => announceInspector(null);
  }, [announceInspector, title]);
  if (!inspectorSlot) return null;
  return createPortal(
    <section aria-label={t("inspectorOf", { title })} className="flex min-h-0 grow flex-col">
      {children}
    </section>,
    inspectorSlot,
  );
}

/** Restores focus to the heading of a sheet after a change of place that was not a click. */
export function useFocusMain(): () => void {
  const [focus] = useState(() => () => document.getElementById("main")?.focus({ preventScroll: true }));
  return focus;
}
