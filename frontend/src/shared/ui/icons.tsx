import type { LucideIcon, LucideProps } from "lucide-react";

export type IconType = LucideIcon;

function strokeFor(size: number): number {
  if (size >= 18) return 1.6;
  return size >= 16 ? 1.75 : 2;
}

/** One way to draw Lucide: the stroke follows the size. What it means is said beside it, or by its `aria-label`. */
export function Icon({ icon: Drawing, size = 16, ...rest }: { icon: LucideIcon } & Omit<LucideProps, "ref">) {
  const spoken = rest["aria-label"] ? { role: "img" } : { "aria-hidden": true };
  // In rem, so that pictures grow with the words beside them.
  return <Drawing {...spoken} size={`${Number(size) / 16}rem`} strokeWidth={strokeFor(Number(size))} {...rest} />;
}
