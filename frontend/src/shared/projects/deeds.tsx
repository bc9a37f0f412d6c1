import {
  Archive,
  ArchiveRestore,
  Copy,
  FolderInput,
  FolderPlus,
  Pencil,
  Pin,
  PinOff,
  Plus,
  Trash2,
  UsersRound,
} from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTexts } from "../i18n/texts";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import type { IconType } from "../ui/icons";
import type { MenuEntry } from "../ui/menu";
import { toast } from "../ui/toast";
import { deeds, type Folder, type Kind, mayEdit, mayOwn, type Project, type Thing, useDeed } from "./api";
import { CreateProjectDialog, DuplicateDialog, MoveDialog, NameDialog } from "./dialogs";
import { Members } from "./Members";
import { thingTexts } from "./texts";

type Asking =
  | { readonly for: "project"; readonly folder: string | null; readonly kind?: Kind }
  | { readonly for: "folder"; readonly folder: string | null }
  | { readonly for: "share" | "rename" | "move" | "duplicate"; readonly thing: Thing };

export interface Deeds {
  readonly ask: (what: Asking) => void;
  /** The lines of a thing's menu, each with what one may do. */
  readonly entries: (thing: Thing, own?: { readonly rename?: () => void }) => MenuEntry[];
  readonly throwAway: (thing: Thing) => void;
  readonly dialog: ReactNode;
}

/** All that can be done with a folder or project from outside of it, with the dialogs that it takes. */
export function useDeeds({
  onProject,
  onFolder,
  onGone,
}: {
  onProject: (project: Project) => void;
  onFolder?: (folder: Folder) => void;
  /** It was thrown away or left, from where one looks at it. */
  onGone?: (thing: Thing) => void;
}): Deeds {
  const t = useTexts(thingTexts);
  const [asking, ask] = useState<Asking | null>(null);
  const close = () => ask(null);
  const { mutateAsync: restore } = useDeed(deeds.restore);
  const { mutate: trash } = useDeed(deeds.throwAway);
  const { mutate: pin } = useDeed(({ thing, on }: { thing: Thing; on: boolean }) => deeds.pin(thing, on));
  const archive = useDeed(({ thing, on }: { thing: Thing; on: boolean }) => deeds.change(thing, { archived: on }));

  const throwAway = (thing: Thing) =>
    trash(thing, {
      onSuccess: () => {
        toast({ text: t("trashed", { name: thing.name }), undo: () => restore(thing) });
        onGone?.(thing);
      },
    });
  const setArchived = (thing: Thing, on: boolean) =>
    archive.mutate(
      { thing, on },
      {
        onSuccess: ({ version }) =>
          toast({
            text: t(on ? "archived" : "unarchived", { name: thing.name }),
            undo: () => archive.mutateAsync({ thing: { ...thing, version }, on: !on }),
          }),
      },
    );

  const entries = (thing: Thing, { rename }: { rename?: () => void } = {}): MenuEntry[] => {
    const line = (label: string, icon: IconType, onSelect: () => void, danger = false): MenuEntry => ({
      label,
      icon,
      onSelect,
      danger,
    });
    const groups: MenuEntry[][] = [
      thing.sort === "folder" && mayEdit(thing)
        ? [
            line(t("newProjectIn"), Plus, () => ask({ for: "project", folder: thing.id })),
            line(t("newFolderIn"), FolderPlus, () => ask({ for: "folder", folder: thing.id })),
          ]
        : [],
      [
        line(mayOwn(thing) ? t("shareDots") : t("members"), UsersRound, () => ask({ for: "share", thing })),
        ...(mayEdit(thing) ? [line(t("rename"), Pencil, rename ?? (() => ask({ for: "rename", thing })))] : []),
        line(thing.is_pinned ? t("unpin") : t("pin"), thing.is_pinned ? PinOff : Pin, () =>
          pin({ thing, on: !thing.is_pinned }),
        ),
        ...(mayEdit(thing) ? [line(t("moveTo"), FolderInput, () => ask({ for: "move", thing }))] : []),
        line(t("duplicate"), Copy, () => ask({ for: "duplicate", thing })),
      ],
      mayOwn(thing)
        ? [
            thing.archived_at
              ? line(t("unarchive"), ArchiveRestore, () => setArchived(thing, false))
              : line(t("archive"), Archive, () => setArchived(thing, true)),
            line(t("trash"), Trash2, () => throwAway(thing), true),
          ]
        : [],
    ];
    return groups
      .filter((group) => group.length > 0)
      .flatMap((group, index) => (index > 0 ? [{ kind: "separator" as const }, ...group] : group));
  };

  return { ask, entries, throwAway, dialog: asking ? dialogFor(asking) : null };

  function dialogFor(what: Asking): ReactNode {
    switch (what.for) {
      case "project":
        return <CreateProjectDialog folder={what.folder} first={what.kind} onClose={close} onMade={onProject} />;
      case "folder":
        return <NameDialog folder={what.folder} onClose={close} onMade={onFolder} />;
      case "rename":
        return <NameDialog thing={what.thing} onClose={close} />;
      case "move":
        return <MoveDialog thing={what.thing} onClose={close} />;
      case "duplicate":
        return (
          <DuplicateDialog
            thing={what.thing}
            onClose={close}
            onMade={(made) => (made.sort === "project" ? onProject(made) : onFolder?.(made))}
          />
        );
      case "share":
        return (
          <ShareDialog
            thing={what.thing}
            onClose={close}
            onLeft={() => {
              close();
              onGone?.(what.thing);
            }}
          />
        );
    }
  }
}

function ShareDialog({ thing, onClose, onLeft }: { thing: Thing; onClose: () => void; onLeft: () => void }) {
  const t = useTexts(thingTexts);
  const lead = thing.sort === "folder" ? t("shareLead") : t("shareLeadProject");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={mayOwn(thing) ? t("shareTitle", { name: thing.name }) : thing.name}
      description={mayOwn(thing) ? lead : undefined}
      footer={<Button onClick={onClose}>{t("done")}</Button>}
    >
      <Members thing={thing} onLeft={onLeft} />
    </Dialog>
  );
}
