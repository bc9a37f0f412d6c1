import { Toast as Base } from "@base-ui/react/toast";
import { X } from "lucide-react";
import { useEffect } from "react";
import { useTexts } from "../i18n/texts";
import { useBinding } from "../keys/use-keys";
import { IconButton } from "./button";
import { Icon } from "./icons";
import { Kbd } from "./kbd";
import { ProgressBar } from "./marks";
import { Spinner } from "./spinner";
import { uiTexts } from "./texts";
import { type ToastRequest, takeToasts, undo } from "./toast";
import { undoEntry, useNewestUndo } from "./undo";

const SHOWN_FOR_MS = 8000;

function takeBack(id: number): void {
  const entry = undoEntry(id);
  if (entry) void undo(entry);
}

/** The view of the messages: bottom left above the status line, at most three, paused under pointer and focus. */
export default function ToastList() {
  return (
    <Base.Provider limit={3} timeout={SHOWN_FOR_MS}>
      <List />
    </Base.Provider>
  );
}

function List() {
  const t = useTexts(uiTexts);
  const { toasts, add, close } = Base.useToastManager<{ request: ToastRequest }>();
  const newest = useNewestUndo();
  const undoKeys = useBinding("undo");
  useEffect(
    () =>
      takeToasts((change) => {
        if (change.do === "close") close(change.id);
        else {
          const { id, text, progress } = change.toast;
          add({ id, title: text, timeout: progress ? 0 : SHOWN_FOR_MS, data: { request: change.toast } });
        }
      }),
    [add, close],
  );
  return (
    <Base.Portal>
      <Base.Viewport
        aria-label={t("notifications")}
        className="fixed bottom-[calc(4.5rem+env(safe-area-inset-bottom))] left-2 z-50 flex w-[min(26.25rem,calc(100vw-1rem))] flex-col-reverse gap-2 outline-none md:bottom-10 md:left-16"
      >
        {toasts.map((entry) => {
          const { icon, undo: undoId, action, progress } = entry.data?.request ?? {};
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
                {undoId !== undefined && undoEntry(undoId) ? (
                  <>
                    <button
                      type="button"
                      className="touch h-8 rounded-sm px-2 font-medium text-primary-text hover:bg-hover"
                      onClick={() => takeBack(undoId)}
                    >
                      {t("undo")}
                    </button>
                    {newest === undoId && undoKeys.length ? <Kbd keys={undoKeys} className="max-md:hidden" /> : null}
                  </>
                ) : null}
                {action ? (
                  <button
                    type="button"
                    className="touch h-8 rounded-sm px-2 font-medium whitespace-nowrap text-primary-text hover:bg-hover"
                    onClick={() => {
                      action.run();
                      close(entry.id);
                    }}
                  >
                    {action.label}
                  </button>
                ) : null}
                {/* By itself it hides from readers of the screen until the pile is opened; ours is a list, not a pile. */}
                <Base.Close aria-hidden={false} render={<IconButton icon={X} label={t("close")} />} />
              </Base.Content>
            </Base.Root>
          );
        })}
      </Base.Viewport>
    </Base.Portal>
  );
}
