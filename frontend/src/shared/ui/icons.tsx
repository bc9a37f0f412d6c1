import type { LucideIcon, LucideProps } from "lucide-react";

export type IconType = LucideIcon;

function strokeFor(size: number): number {
  if (size >= 18) return 1.6;
  return size >= 16 ? 1.75 : 2;
}

/** One way to draw Lucide: the stroke follows the size, and the name is always spoken by something else. */
export function Icon({ icon: Drawing, size = 16, ...rest }: { icon: LucideIcon } & Omit<LucideProps, "ref">) {
  // In rem, so that pictures grow with the words beside them.
  return (
    <Drawing aria-hidden="true" size={`${Number(size) / 16}rem`} strokeWidth={strokeFor(Number(size))} {...rest} />
  );
}
