import { createContext, useContext } from "react";
import type { Area, Feature } from "./feature";

export interface ClosedTab {
  readonly id: string;
  readonly path: string;
  readonly title: string;
}

/** What features may ask of the workspace around them. Filled by the app. */
export interface Workspace {
  readonly features: readonly Feature[];
  readonly areas: readonly Area[];
  /** Goes to an address: into its own tab, into a new one, or in the background. */
  readonly open: (path: string, how?: "here" | "new" | "background") => void;
  readonly openTabs: readonly ClosedTab[];
  readonly closedTabs: readonly ClosedTab[];
  readonly reopen: (tabId: string) => void;
  /** Which folders stand open in the tree, on every device. */
  readonly unfolded: readonly string[];
  readonly unfold: (folders: readonly string[]) => void;
  readonly signOut: () => void;
}

export const WorkspaceContext = createContext<Workspace | null>(null);

export function useWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext);
  if (!workspace) throw new Error("There is no workspace around this component.");
  return workspace;
}

export function useOptionalWorkspace(): Workspace | null {
  return useContext(WorkspaceContext);
}
