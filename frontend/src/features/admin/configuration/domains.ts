/** What was typed, by lines, commas or blanks; an at sign in front is what people type. */
export function domainsIn(text: string): { domains: readonly string[]; wrong: string | undefined } {
  const domains = text
    .split(/[\s,;]+/)
    .map((part) => part.trim().replace(/^@/, "").toLowerCase())
    .filter(Boolean);
  const wrong = domains.find((domain) => !/^[^\s@/:]+\.[^\s@/:.]+\.?$/.test(domain));
  return { domains: [...new Set(domains)], wrong };
}
