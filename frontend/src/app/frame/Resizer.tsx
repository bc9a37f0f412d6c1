import { type PointerEvent, useRef } from "react";
import { cx } from "@/shared/ui/cx";

/** The line between two panes: drag it, move it with the arrows, double-click for the usual width. */
export function Resizer({
  label,
  value,
  min,
  max,
  usual,
  step = 10,
  pixelsPerUnit = () => 1,
  grows = "right",
  onChange,
  onCollapse,
  className,
}: {
  label: string;
  value: number;
  min: number;
  max: number;
  usual: number;
  /** How far an arrow moves the line; with Shift it is four times as far. */
  step?: number;
  /** For a value that is not counted in pixels. */
  pixelsPerUnit?: () => number;
  /** In which direction dragging makes the pane wider. */
  grows?: "right" | "left";
  onChange: (value: number) => void;
  /** Dragged far below its least width the pane goes away. */
  onCollapse?: () => void;
  className?: string;
}) {
  const start = useRef<{ x: number; value: number } | null>(null);
  const sign = grows === "right" ? 1 : -1;
  const clamp = (wanted: number) => Math.round(Math.min(max, Math.max(min, wanted)));
  const onPointerMove = (event: PointerEvent) => {
    if (!start.current) return;
    const wanted = start.current.value + (sign * (event.clientX - start.current.x)) / pixelsPerUnit();
    if (onCollapse && wanted < min / 2) {
      start.current = null;
      onCollapse();
    } else onChange(clamp(wanted));
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a window splitter is a focusable separator with a value, not a rule
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={Math.round(value)}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, value };
      }}
      onPointerMove={onPointerMove}
      onPointerUp={() => {
        start.current = null;
      }}
      onPointerCancel={() => {
        start.current = null;
      }}
      onDoubleClick={() => onChange(usual)}
      onKeyDown={(event) => {
        const by = sign * (event.shiftKey ? step * 4 : step);
        if (event.key === "ArrowRight") onChange(clamp(value + by));
        else if (event.key === "ArrowLeft") onChange(clamp(value - by));
        else if (event.key === "Home") onChange(min);
        else if (event.key === "End") onChange(max);
        else return;
        event.preventDefault();
      }}
      className={cx(
        "group absolute z-20 w-2 cursor-col-resize touch-none outline-none",
        "after:absolute after:inset-y-2 after:left-1/2 after:w-0.5 after:-translate-x-1/2 after:rounded-full after:transition-colors hover:after:bg-primary-line focus-visible:after:bg-ring active:after:bg-primary",
        className,
      )}
    />
  );
}
