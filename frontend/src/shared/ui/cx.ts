type ClassName = string | false | null | undefined;

/** Joins the class names that apply. Conflicts are avoided by variants, not resolved here. */
export function cx(...names: ClassName[]): string {
  return names.filter(Boolean).join(" ");
}
