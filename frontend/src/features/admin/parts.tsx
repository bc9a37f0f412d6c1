import { type KeyboardEvent, type ReactNode, useEffect } from "react";
import { Inspector, useSheetContext } from "@/shared/frame/sheet";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { catalogue } from "./catalogue";
import { adminTexts } from "./texts";

const found =
  "scroll-mt-4 outline-none transition-[background-color,box-shadow] duration-[220ms] data-found:bg-primary-tint data-found:shadow-[0_0_0_8px_var(--primary-tint)] rounded-xs";

/** A heading with what belongs together. With `id` it is a setting: titled by the catalogue, and an anchor. */
export function Group({
  id,
  title,
  lead,
  actions,
  className,
  children,
}: {
  id?: string;
  title?: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
  className?: string;
  children?: ReactNode;
}) {
  const { language } = useLocale();
  return (
    <section id={id} tabIndex={id ? -1 : undefined} className={cx("mt-8 min-w-0 first:mt-2", id && found, className)}>
      <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-2">
        <h2 className="grow font-semibold">{title ?? (id ? catalogue.title(id)[language] : null)}</h2>
        {actions}
      </div>
      {lead ? <div className="max-w-[38.5rem] text-muted-foreground">{lead}</div> : null}
      {children ? <div className="mt-3">{children}</div> : null}
    </section>
  );
}

/** One of several filters; its count says what it would show. */
export function FilterToggle({
  pressed,
  count,
  onChange,
  children,
}: {
  pressed: boolean;
  count?: ReactNode;
  onChange: () => void;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      aria-pressed={pressed}
      onClick={onChange}
      className={cx(
        "touch flex h-8 items-center gap-1.5 rounded-sm px-2.5 whitespace-nowrap transition-colors duration-[120ms]",
        pressed ? "bg-selected font-medium" : "text-muted-foreground hover:bg-hover hover:text-foreground",
      )}
    >
      {children}
      {count === undefined ? null : (
        <span className={cx("num text-xs", pressed ? "text-muted-foreground" : "text-faint")}>{count}</span>
      )}
    </button>
  );
}

export function Filters({ label, children }: { label: string; children: ReactNode }) {
  return (
    <fieldset aria-label={label} className="flex min-w-0 flex-wrap gap-1">
      {children}
    </fieldset>
  );
}

/** Fills the panel at the right and opens it for what was just chosen. */
export function Panel({ of, title, children }: { of: string; title: string; children: ReactNode }) {
  const { setInspectorOpen } = useSheetContext();
  // biome-ignore lint/correctness/useExhaustiveDependencies: choosing something else opens it again
  useEffect(() => setInspectorOpen(true), [of, setInspectorOpen]);
  return (
    <Inspector title={title}>
      <div className="scroll min-h-0 grow px-5 pt-3.5 pb-8">{children}</div>
    </Inspector>
  );
}

export function PanelHead({ icon, title, subtitle }: { icon?: ReactNode; title: ReactNode; subtitle?: ReactNode }) {
  return (
    <header className="flex items-start gap-3 pr-9 pb-4">
      {icon}
      <div className="min-w-0">
        <h2 className="text-md font-semibold break-words">{title}</h2>
        {subtitle ? <div className="text-muted-foreground break-words">{subtitle}</div> : null}
      </div>
    </header>
  );
}

export function PanelGroup({
  title,
  actions,
  children,
}: {
  title: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="mt-6">
      <div className="flex min-h-8 items-center gap-2">
        <h3 className="grow font-semibold">{title}</h3>
        {actions}
      </div>
      {children}
    </section>
  );
}

/** Up and down move between the rows of a list, so that one need not tab through everything in them. */
export function moveBetweenRows(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp" && event.key !== "Home" && event.key !== "End") return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-row]")];
  const target = event.target as HTMLElement;
  const here = rows.indexOf(target);
  if (here < 0) return;
  const next =
    event.key === "Home"
      ? 0
      : event.key === "End"
        ? rows.length - 1
        : Math.min(rows.length - 1, Math.max(0, here + (event.key === "ArrowDown" ? 1 : -1)));
  event.preventDefault();
  rows[next]?.focus();
}

export const rowButtonClass = "rounded-xs text-left font-medium hover:underline underline-offset-4 touch";

/** The table's first column stays while the rest scrolls. */
export const stickyClass = "sticky left-0 z-[1] bg-background";

/** It is opaque, so it takes the tint of its row by itself. */
export function stickyRowClass(isChosen: boolean): string {
  return cx(
    stickyClass,
    isChosen ? "!bg-primary-tint" : "group-hover:bg-[color-mix(in_oklab,var(--hover)_60%,var(--background))]",
  );
}

export function roleText(t: ReturnType<typeof useTexts<(typeof adminTexts)["en"]>>, role: string): string {
  if (role === "admin") return t("adminRole");
  return role === "manager" ? t("managerRole") : t("userRole");
}

/** Save and discard of a group of settings that is saved by button. */
export function FormFoot({ isDirty, busy, onDiscard }: { isDirty: boolean; busy: boolean; onDiscard: () => void }) {
  const t = useTexts(adminTexts);
  return (
    <div className="flex items-center gap-2">
      <Button type="submit" busy={busy} disabled={!isDirty}>
        {t("save")}
      </Button>
      {isDirty ? (
        <Button variant="ghost" onClick={onDiscard}>
          {t("discard")}
        </Button>
      ) : null}
    </div>
  );
}
