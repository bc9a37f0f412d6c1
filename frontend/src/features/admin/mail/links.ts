/** The address a mail asks to open, without the punctuation that may follow it. */
export function firstLink(text: string): string | null {
  const found = /https?:\/\/[^\s<>"]+/.exec(text)?.[0];
  return found ? found.replace(/[.,;:)]+$/, "") : null;
}
