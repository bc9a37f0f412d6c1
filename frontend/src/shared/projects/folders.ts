import type { Folder } from "./api";

/** The way to a folder from the outermost that one sees, itself last. */
export function pathTo(id: string | null, folders: readonly Folder[]): Folder[] {
  const byId = new Map(folders.map((folder) => [folder.id, folder]));
  const path: Folder[] = [];
  for (let here = id ? byId.get(id) : undefined; here; here = here.parent_id ? byId.get(here.parent_id) : undefined) {
    // Two answers of the server may be from different moments, and show a ring for one of them.
    if (path.includes(here)) break;
    path.unshift(here);
  }
  return path;
}

/** The folder itself and all that stands in it, however deep. */
export function within(id: string, folders: readonly Folder[]): ReadonlySet<string> {
  const found = new Set([id]);
  // Each round finds the next level at least.
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const folder of folders) if (folder.parent_id && found.has(folder.parent_id)) found.add(folder.id);
  }
  return found;
}
