/** The look that menus, lists and popovers share. */
export const popupClass = "rise rounded-md bg-raised shadow-pop outline-none";

export const itemClass =
  "flex min-h-8 cursor-default items-center gap-2.5 rounded-sm px-2.5 py-1 outline-none select-none data-disabled:text-faint data-highlighted:bg-hover pointer-coarse:min-h-11";
