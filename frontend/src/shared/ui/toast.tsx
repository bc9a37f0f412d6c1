import { Toast as Base } from "@base-ui/react/toast";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useTexts } from "../i18n/texts";
import { useBinding } from "../keys/use-keys";
import { IconButton } from "./button";
import { Icon, type IconType } from "./icons";
import { Kbd } from "./kbd";
import { ProgressBar } from "./marks";
import { Spinner } from "./spinner";
import { uiTexts } from "./texts";
import { registerUndo, undoEntry, useNewestUndo } from "./undo";

interface ToastData {
  icon?: IconType;
  undo?: number;
  action?: { label: string; run: () => void };
  progress?: { done: number; total: number | null };
}

const manager = Base.createToastManager<ToastData>();
const SHOWN_FOR_MS = 8000;

/**
 * Says the new state in a few words, not praise. `undo` puts things back: by its button, and by Mod Z while it is
 * the newest. Errors that need a decision do not belong here.
 */
export function toast({
  text,
  icon,
  undo,
  action,
}: {
  text: string;
  icon?: IconType;
  undo?: () => unknown;
  action?: { label: string; run: () => void };
}): void {
  let toastId = "";
  const entry = undo ? registerUndo(text, undo, () => manager.close(toastId)) : undefined;
  toastId = manager.add({ title: text, timeout: SHOWN_FOR_MS, data: { icon, undo: entry, action } });
}

/** Stays until its work ends. Calling it again with the same id updates it; `null` takes it away. */
export function progressToast(
  id: string,
  state: { text: string; done: number; total: number | null; action?: { label: string; run: () => void } } | null,
): void {
  if (!state) {
    manager.close(id);
    return;
  }
  const { text, done, total, action } = state;
  manager.add({ id, title: text, timeout: 0, data: { progress: { done, total }, action } });
}

export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Base.Provider toastManager={manager} limit={3} timeout={SHOWN_FOR_MS}>
      {children}
      <ToastList />
    </Base.Provider>
  );
}

function ToastList() {
  const t = useTexts(uiTexts);
  const { toasts } = Base.useToastManager<ToastData>();
  const newest = useNewestUndo();
  const undoKeys = useBinding("undo");
  return (
    <Base.Portal>
      <Base.Viewport
        aria-label={t("notifications")}
        className="fixed bottom-[calc(4.5rem+env(safe-area-inset-bottom))] left-2 z-50 flex w-[min(26.25rem,calc(100vw-1rem))] flex-col-reverse gap-2 outline-none md:bottom-10 md:left-4"
      >
        {toasts.map((entry) => {
          const { icon, undo, action, progress } = entry.data ?? {};
          return (
            <Base.Root
              key={entry.id}
              toast={entry}
              swipeDirection={["left", "down"]}
              className="rise rounded-md bg-raised shadow-pop outline-offset-0 data-limited:hidden"
            >
              <Base.Content className="flex min-h-11 items-center gap-3 py-1 pr-2 pl-4">
                {progress ? (
                  <Spinner size={15} />
                ) : icon ? (
                  <Icon icon={icon} className="text-muted-foreground" />
                ) : null}
                <div className="min-w-0 grow">
                  <Base.Title className="line-clamp-2" />
                  {progress ? (
                    <ProgressBar
                      label={String(entry.title)}
                      value={progress.done}
                      max={progress.total ?? 0}
                      className="mt-1"
                    />
                  ) : null}
                </div>
                {undo !== undefined && undoEntry(undo) ? (
                  <>
                    <button
                      type="button"
                      className="touch h-8 rounded-sm px-2 font-medium text-primary-text hover:bg-hover"
                      onClick={() => void undoEntry(undo)?.run()}
                    >
                      {t("undo")}
                    </button>
                    {newest === undo && undoKeys.length ? <Kbd keys={undoKeys} className="max-md:hidden" /> : null}
                  </>
                ) : null}
                {action ? (
                  <button
                    type="button"
                    className="touch h-8 rounded-sm px-2 font-medium whitespace-nowrap text-primary-text hover:bg-hover"
                    onClick={() => {
                      action.run();
                      manager.close(entry.id);
                    }}
                  >
                    {action.label}
                  </button>
                ) : null}
                <Base.Close render={<IconButton icon={X} label={t("close")} />} />
              </Base.Content>
            </Base.Root>
          );
        })}
      </Base.Viewport>
    </Base.Portal>
  );
}
