import { useLocation } from "@tanstack/react-router";
import { Pencil } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { useAction, useBinding } from "../keys/use-keys";
import { cx } from "../ui/cx";
import { Icon, type IconType } from "../ui/icons";
import { SearchField } from "../ui/input";
import { Dot } from "../ui/marks";
import { Spinner } from "../ui/spinner";
import { Link } from "./link";
import type { TabState } from "./sheet";

/** Head 48, search 32, rows 30, indent 16, captions 28: the column beside the sheet. */
export function SidebarHead({ title, actions }: { title: string; actions?: ReactNode }) {
  return (
    <div className="flex h-12 flex-none items-center gap-0.5 pr-2.5 pl-4">
      <h2 className="grow truncate text-md font-semibold">{title}</h2>
      {actions}
    </div>
  );
}

/** `/` goes here from anywhere in the area. */
export function SidebarSearch({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const keys = useBinding("search.area");
  useAction("search.area", () => input.current?.focus());
  return (
    <div className="flex-none px-2.5 pb-2">
      <SearchField label={label} value={value} onChange={onChange} keys={keys} inputRef={input} />
    </div>
  );
}

export function SidebarNav({ label, children }: { label: string; children: ReactNode }) {
  return (
    <nav aria-label={label} className="scroll min-h-0 grow px-2.5 [scrollbar-gutter:auto]">
      {children}
    </nav>
  );
}

export function SidebarCaption({ children, actions }: { children: ReactNode; actions?: ReactNode }) {
  return (
    <div className="cap mt-2 flex h-7 items-center pr-1 pl-2 first:mt-0">
      <span className="grow">{children}</span>
      {actions}
    </div>
  );
}

export function SidebarRow({
  to,
  search,
  current,
  icon,
  children,
  count,
  state,
  depth = 0,
  exact = true,
}: {
  to: string;
  search?: Record<string, unknown>;
  /** Where the address alone does not tell. */
  current?: boolean;
  icon?: IconType;
  children: ReactNode;
  count?: ReactNode;
  state?: TabState | null;
  depth?: number;
  /** False lights the row up for the addresses below it too. */
  exact?: boolean;
}) {
  const { pathname } = useLocation();
  const here = current ?? (exact ? pathname === to : pathname === to || pathname.startsWith(`${to}/`));
  return (
    <Link
      to={to}
      search={search}
      aria-current={here ? "page" : undefined}
      className={cx(
        "flex min-h-[1.875rem] items-center gap-2 rounded-sm pr-2 focus-visible:-outline-offset-2 max-md:min-h-11 pointer-coarse:min-h-11",
        here ? "bg-selected font-medium" : "hover:bg-hover",
      )}
      style={{ paddingLeft: `${0.5 + depth}rem` }}
    >
      {icon ? <Icon icon={icon} size={15} className={here ? "text-primary-text" : "text-faint"} /> : null}
      <span className="min-w-0 grow truncate">{children}</span>
      <StateDot state={state} />
      {count === undefined ? null : (
        <span className={cx("num text-2xs", here ? "text-muted-foreground" : "text-faint")}>{count}</span>
      )}
    </Link>
  );
}

export function SidebarFoot({ children }: { children: ReactNode }) {
  return <div className="num flex-none px-4 py-3 text-xs text-faint">{children}</div>;
}

export function StateDot({ state }: { state?: TabState | null }) {
  if (state === "running") return <Spinner size={13} />;
  if (state === "unread") return <Dot />;
  if (state === "alert") return <Dot tone="brass" />;
  if (state === "draft") return <Icon icon={Pencil} size={12} className="text-faint" />;
  return null;
}
