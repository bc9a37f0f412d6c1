import { useQueryClient } from "@tanstack/react-query";
import { Download, FileText, PencilLine, RefreshCw, RotateCcw, SquarePlus, TagIcon, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { contentAddress } from "@/shared/documents/api";
import { useOptionalWorkspace } from "@/shared/frame/workspace";
import { type Say, useTexts } from "@/shared/i18n/texts";
import type { MenuEntry } from "@/shared/ui/menu";
import { toast } from "@/shared/ui/toast";
import { countsKey, type DocumentRead, deeds, each, listKey, underWay, useDeed } from "./api";
import { RenameDialog, TagsDialog } from "./dialogs";
import { documentTexts } from "./texts";

export type Deed = "open" | "beside" | "download" | "rename" | "tags" | "retry" | "refresh" | "trash";

export const mayEdit = ({ role }: Pick<DocumentRead, "role">) => role !== "viewer";

/** What can be done with one document, in the order of its menu. */
export function deedEntries(
  document: DocumentRead,
  t: Say<(typeof documentTexts)["en"]>,
  run: (deed: Deed) => void,
  { isOpen = false } = {},
): MenuEntry[] {
  const entry = (deed: Deed, label: string, icon: typeof Download, danger = false): MenuEntry => ({
    label,
    icon,
    danger,
    onSelect: () => run(deed),
  });
  const moving = underWay.has(document.state);
  const editing: MenuEntry[] = [
    entry("rename", t("rename"), PencilLine),
    entry("tags", t("editTags"), TagIcon),
    ...(moving ? [] : [entry("retry", t("retry"), RotateCcw)]),
    ...(document.origin === "url" && !moving ? [entry("refresh", t("refresh"), RefreshCw)] : []),
    { kind: "separator" },
    entry("trash", t("trash"), Trash2),
  ];
  return [
    ...(isOpen ? [] : [entry("open", t("open"), FileText), entry("beside", t("openBeside"), SquarePlus)]),
    ...(document.bytes > 0 ? [entry("download", t("download"), Download)] : []),
    ...(mayEdit(document) ? editing : []),
  ];
}

/** Saves the files of these documents, one after the other; the browser asks where. */
function download(documents: readonly DocumentRead[]): void {
  documents.forEach((document, index) => {
    // Browsers take several at once for one and the same.
    setTimeout(() => {
      const link = window.document.createElement("a");
      link.href = contentAddress(document.id);
      link.download = document.name;
      link.click();
    }, index * 400);
  });
}

/** Does it, says so, and takes it back where that can be done. */
export function useDeeds({ onTrashed }: { onTrashed?: () => void } = {}): {
  run: (deed: Deed, documents: readonly DocumentRead[]) => void;
  dialog: ReactNode;
} {
  const t = useTexts(documentTexts);
  const workspace = useOptionalWorkspace();
  const client = useQueryClient();
  const [asked, setAsked] = useState<{ deed: "rename" | "tags"; documents: readonly DocumentRead[] } | null>(null);
  const trash = useDeed((documents: readonly DocumentRead[]) => each(documents, ({ id }) => deeds.trash(id)));
  const retry = useDeed((documents: readonly DocumentRead[]) => each(documents, ({ id }) => deeds.retry(id)));
  const refresh = useDeed((id: string) => deeds.refresh(id));
  const renew = () => {
    void client.invalidateQueries({ queryKey: listKey });
    void client.invalidateQueries({ queryKey: countsKey });
  };
  const run = (deed: Deed, documents: readonly DocumentRead[]) => {
    const first = documents[0];
    if (!first) return;
    const about = { count: documents.length, name: first.name };
    switch (deed) {
      case "open":
        workspace?.open(`/doc/${first.id}`);
        break;
      case "beside":
        workspace?.open(`/doc/${first.id}`, "new");
        break;
      case "download":
        download(documents);
        break;
      case "rename":
      case "tags":
        setAsked({ deed, documents });
        break;
      case "retry":
        retry.mutate(documents, { onSuccess: () => toast({ text: t("retried", about), icon: RotateCcw }) });
        break;
      case "refresh":
        refresh.mutate(first.id, { onSuccess: () => toast({ text: t("refreshed", about), icon: RefreshCw }) });
        break;
      case "trash":
        trash.mutate(documents, {
          onSuccess: () => {
            onTrashed?.();
            toast({
              text: t("trashed", about),
              icon: Trash2,
              undo: async () => {
                await each(documents, ({ id }) => deeds.restore(id));
                renew();
              },
            });
          },
        });
        break;
    }
  };
  const close = () => setAsked(null);
  const dialog = !asked ? null : asked.deed === "rename" ? (
    <RenameDialog document={asked.documents[0] as DocumentRead} onClose={close} />
  ) : (
    <TagsDialog documents={asked.documents} onClose={close} />
  );
  return { run, dialog };
}
