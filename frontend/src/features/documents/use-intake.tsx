import { FileUp, FolderUp, Link2, NotebookPen, Upload } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { useTexts } from "@/shared/i18n/texts";
import { Icon } from "@/shared/ui/icons";
import type { MenuEntry } from "@/shared/ui/menu";
import { LinkDialog, TextDialog } from "./dialogs";
import { filesOf, isAddresses, isWanted } from "./intake";
import { documentTexts } from "./texts";
import { startUploads } from "./uploads";

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** All the ways into a project: files dropped anywhere or chosen, links and texts pasted or typed. */
export function useIntake(
  project: { id: string; name: string },
  isAllowed: boolean,
): { entries: readonly MenuEntry[]; chooseFiles: () => void; parts: ReactNode } {
  const t = useTexts(documentTexts);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const [asked, setAsked] = useState<{ for: "link" | "text"; initial: string } | null>(null);
  const take = useRef((_files: readonly File[]) => {});
  take.current = (found) => {
    if (isAllowed && found.length > 0) startUploads(project.id, found);
  };

  useEffect(() => {
    // Elements inside of the window enter and leave; only the last one out is out.
    let depth = 0;
    const onEnter = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      depth += 1;
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = isAllowed ? "copy" : "none";
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      void filesOf(event.dataTransfer).then((found) => take.current(found));
    };
    const onPaste = (event: ClipboardEvent) => {
      const transfer = event.clipboardData;
      const modal = document.querySelector('[role="dialog"][data-open], [role="alertdialog"][data-open]');
      if (!transfer || isTyping(event.target) || modal || !isAllowed) return;
      if (transfer.files.length > 0) {
        event.preventDefault();
        take.current([...transfer.files]);
        return;
      }
      const text = transfer.getData("text/plain").trim();
      if (!text) return;
      event.preventDefault();
      setAsked({ for: isAddresses(text) ? "link" : "text", initial: text });
    };
    window.addEventListener("dragenter", onEnter);
    window.addEventListener("dragleave", onLeave);
    window.addEventListener("dragover", onOver);
    window.addEventListener("drop", onDrop);
    window.addEventListener("paste", onPaste);
    return () => {
      window.removeEventListener("dragenter", onEnter);
      window.removeEventListener("dragleave", onLeave);
      window.removeEventListener("dragover", onOver);
      window.removeEventListener("drop", onDrop);
      window.removeEventListener("paste", onPaste);
    };
  }, [isAllowed]);

  const chooseFiles = () => files.current?.click();
  const entries: MenuEntry[] = [
    { label: t("addFiles"), icon: FileUp, onSelect: chooseFiles },
    { label: t("addFolder"), icon: FolderUp, onSelect: () => folder.current?.click() },
    { kind: "separator" },
    { label: t("addLink"), icon: Link2, onSelect: () => setAsked({ for: "link", initial: "" }) },
    { label: t("addText"), icon: NotebookPen, onSelect: () => setAsked({ for: "text", initial: "" }) },
  ];
  const onChosen = (input: HTMLInputElement) => {
    take.current([...(input.files ?? [])].filter(({ name }) => isWanted(name)));
    input.value = "";
  };
  const hidden = { type: "file", multiple: true, tabIndex: -1, "aria-hidden": true, className: "hidden" } as const;
  const parts = (
    <>
      <input ref={files} {...hidden} data-intake="files" onChange={(event) => onChosen(event.currentTarget)} />
      <input
        ref={(element) => {
          folder.current = element;
          element?.setAttribute("webkitdirectory", "");
        }}
        {...hidden}
        onChange={(event) => onChosen(event.currentTarget)}
      />
      {isOver
        ? createPortal(
            <div
              aria-hidden="true"
              className="pointer-events-none fixed inset-0 z-50 grid place-items-center bg-background/70 p-4"
            >
              <div className="flex flex-col items-center gap-1 rounded-xl bg-raised px-10 py-8 text-center shadow-dialog outline-2 -outline-offset-8 outline-dashed outline-primary-line">
                <Icon icon={Upload} size={24} className="mb-2 text-primary-text" />
                <p className="text-lg font-semibold">{t("dropTitle")}</p>
                <p className="text-muted-foreground">
                  {isAllowed ? t("dropInto", { project: project.name }) : t("dropRefused")}
                </p>
              </div>
            </div>,
            document.body,
          )
        : null}
      {asked?.for === "link" ? (
        <LinkDialog projectId={project.id} initial={asked.initial} onClose={() => setAsked(null)} />
      ) : null}
      {asked?.for === "text" ? (
        <TextDialog projectId={project.id} initial={asked.initial} onClose={() => setAsked(null)} />
      ) : null}
    </>
  );
  return { entries, chooseFiles, parts };
}
