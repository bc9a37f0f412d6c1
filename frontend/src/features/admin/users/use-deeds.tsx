import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { problemText, useProblemTexts } from "@/shared/api/texts";
import { useTexts } from "@/shared/i18n/texts";
import { toast } from "@/shared/ui/toast";
import { type User, useApprove, useInviteAgain, useRestore, userQuery, useSuspend } from "./api";
import { DeleteDialog, EditDialog, EndSessionsDialog, LinkDialog, ResetLinkDialog, SuspendDialog } from "./Dialogs";
import type { Deed } from "./deeds";
import { usersTexts } from "./texts";

/** Does what is chosen for a person: at once where it can be undone, in a dialog where something has to be said. */
export function useDeeds({ onDeleted }: { onDeleted?: (user: User) => void } = {}): {
  run: (deed: Deed, user: User) => void;
  dialog: ReactNode;
} {
  const t = useTexts(usersTexts);
  const say = useProblemTexts();
  const [open, setOpen] = useState<{ deed: Deed; user: User } | null>(null);
  const [invitation, setInvitation] = useState<{ name: string; url: string } | null>(null);
  const approve = useApprove();
  const restore = useRestore();
  const suspend = useSuspend();
  const inviteAgain = useInviteAgain();
  // There is no room for it beside a menu that has closed.
  const onError = (error: unknown) => {
    const { title, advice } = problemText(error, say);
    toast({ text: `${title} ${advice}`.trim() });
  };
  const run = (deed: Deed, user: User) => {
    const { name, id } = user;
    switch (deed) {
      case "approve":
        approve.mutate(id, { onError, onSuccess: () => toast({ text: t("approved", { name }) }) });
        return;
      case "restore": {
        const reason = user.suspended_reason;
        const undo = () => suspend.mutateAsync({ id, reason });
        restore.mutate(id, { onError, onSuccess: () => toast({ text: t("restored", { name }), undo }) });
        return;
      }
      case "inviteAgain":
        inviteAgain.mutate(id, {
          onError,
          onSuccess: ({ invite_url }) => {
            if (invite_url) setInvitation({ name, url: invite_url });
            else toast({ text: t("invited", { name }) });
          },
        });
        return;
      default:
        setOpen({ deed, user });
    }
  };
  const close = () => setOpen(null);
  return {
    run,
    dialog: (
      <>
        {open ? <DeedDialog {...open} onClose={close} onDeleted={() => onDeleted?.(open.user)} /> : null}
        {invitation ? <LinkDialog {...invitation} onClose={() => setInvitation(null)} /> : null}
      </>
    ),
  };
}

function DeedDialog({
  deed,
  user,
  onClose,
  onDeleted,
}: {
  deed: Deed;
  user: User;
  onClose: () => void;
  onDeleted: () => void;
}) {
  // What the list knew may be old; the dialog follows the person.
  const { data: current = user } = useQuery({ ...userQuery(user.id), enabled: deed === "edit", initialData: user });
  if (deed === "edit") return <EditDialog user={current} onClose={onClose} />;
  if (deed === "suspend") return <SuspendDialog users={[user]} onClose={onClose} />;
  if (deed === "resetLink") return <ResetLinkDialog user={user} onClose={onClose} />;
  if (deed === "endSessions") return <EndSessionsDialog user={user} onClose={onClose} />;
  return <DeleteDialog user={user} onClose={onClose} onDeleted={onDeleted} />;
}
