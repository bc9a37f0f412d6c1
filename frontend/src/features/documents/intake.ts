/** What people drop and paste: files, folders of files, addresses, texts. */

/** Asked at once, because a browser forgets the list when the event is over. */
export async function filesOf(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry?.() ?? null, file: item.getAsFile() }));
  const found = await Promise.all(
    entries.map(({ entry, file }) => (entry?.isDirectory ? inside(entry as FileSystemDirectoryEntry) : file)),
  );
  return found.flat().filter((file): file is File => file !== null && isWanted(file.name));
}

/** What systems leave in every folder is nobody's document. */
export function isWanted(name: string): boolean {
  return !name.startsWith(".") && !/^(thumbs\.db|desktop\.ini|~\$.*)$/i.test(name);
}

async function inside(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const files: File[] = [];
  for (;;) {
    // A reader gives a hundred entries at a time, and none when it is at the end.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return files;
    for (const entry of entries) {
      if (entry.isDirectory) files.push(...(await inside(entry as FileSystemDirectoryEntry)));
      else
        files.push(await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)));
    }
  }
}

/** One address in each line, as people paste them; null where a line is none. */
export function readAddresses(text: string): { addresses: string[]; wrong: string | null } {
  const lines = text.split(/\s+/).filter(Boolean);
  const addresses: string[] = [];
  for (const line of lines) {
    const address = readAddress(line);
    if (address === null) return { addresses, wrong: line };
    addresses.push(address);
  }
  return { addresses: [...new Set(addresses)], wrong: null };
}

function readAddress(text: string): string | null {
  const isBare = !/^[a-z][a-z0-9+.-]*:/i.test(text) && /^[^\s/]+\.[^\s/.]{2,}(\/|$|\?|#)/.test(text);
  try {
    const url = new URL(isBare ? `https://${text}` : text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Whether what was pasted is nothing but addresses. */
export function isAddresses(text: string): boolean {
  const lines = text.trim().split(/\s+/);
  return lines.length <= 50 && lines.every((line) => /^https?:\/\/\S+$/i.test(line));
}
