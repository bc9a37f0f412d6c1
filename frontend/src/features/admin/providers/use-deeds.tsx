import { type ReactNode, useState } from "react";
import type { Provider } from "./api";
import { DeleteDialog, EditDialog, KeyDialog } from "./Dialogs";

export type Deed = "edit" | "key" | "delete";
export type Ask = (deed: Deed, provider: Provider) => void;

/** Asks for what a deed needs to know. The dialogs stand where they are put. */
export function useProviderDeeds(providers: readonly Provider[]): { ask: Ask; dialogs: ReactNode } {
  const [asked, setAsked] = useState<{ deed: Deed; id: string } | null>(null);
  const about = asked && providers.find(({ id }) => id === asked.id);
  const close = () => setAsked(null);
  const dialogs = { edit: EditDialog, key: KeyDialog, delete: DeleteDialog };
  const Asking = asked && dialogs[asked.deed];
  return {
    ask: (deed, { id }) => setAsked({ deed, id }),
    dialogs: about && Asking ? <Asking provider={about} onClose={close} /> : null,
  };
}
