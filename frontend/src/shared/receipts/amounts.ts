/** An amount as people type it, "2,50" or "2.50", in nano-units; null for what is none. */
export function readAmount(text: string): number | null {
  const plain = text.trim().replace(",", ".");
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(plain)) return null;
  return Math.round(Number(plain) * 1e9);
}
