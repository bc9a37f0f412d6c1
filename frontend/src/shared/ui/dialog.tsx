import { AlertDialog as BaseAlert } from "@base-ui/react/alert-dialog";
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type FormEvent, type ReactNode, useRef, useState } from "react";
import { useTexts } from "../i18n/texts";
import { Button, IconButton } from "./button";
import { cx } from "./cx";
import { Field } from "./field";
import { Input } from "./input";
import { DialogContent } from "./overlays";
import { uiTexts } from "./texts";

export const backdropClass = "fade fixed inset-0 z-40 bg-black/25 dark:bg-black/50";

// On a phone a dialog is a sheet from below; on a desk it hangs under the tab strip.
const popupClass = cx(
  "rise fixed z-40 flex max-h-[calc(100dvh-3rem)] flex-col overflow-hidden bg-raised shadow-dialog outline-none",
  "inset-x-0 bottom-0 rounded-t-[1.125rem] pb-[env(safe-area-inset-bottom)]",
  "md:inset-x-auto md:bottom-auto md:left-1/2 md:top-[min(6.5rem,12vh)] md:w-[min(calc(100vw-2rem),var(--dialog-width))] md:-translate-x-1/2 md:rounded-xl md:pb-0",
);

const widths = { sm: "26rem", md: "32rem", lg: "45rem" } as const;

export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  width = "md",
  footer,
  onSubmit,
  children,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  description?: ReactNode;
  width?: keyof typeof widths;
  /** Buttons, in reading order: the way back first, the deed last. */
  footer?: ReactNode;
  /** Makes the body a form, so that Enter does the deed. */
  onSubmit?: () => void;
  children?: ReactNode;
}) {
  const t = useTexts(uiTexts);
  const content = useRef<HTMLDivElement>(null);
  const popup = useRef<HTMLDivElement>(null);
  // The first field if there is one, else the dialog itself: never the button that closes it.
  const firstFocus = () =>
    content.current?.querySelector<HTMLElement>("input:not([type=hidden]), textarea, [role=combobox], [role=radio]") ??
    popup.current;
  const body = (
    <>
      <div ref={content} className="min-h-0 grow overflow-y-auto px-5 pb-5">
        {children}
      </div>
      {footer ? (
        <div className="flex flex-none items-center justify-end gap-2 border-t border-border-soft px-5 py-3">
          {footer}
        </div>
      ) : null}
    </>
  );
  return (
    <Base.Root open={open} onOpenChange={onOpenChange}>
      <DialogContent>
        <Base.Portal>
          <Base.Backdrop className={backdropClass} />
          <Base.Popup
            ref={popup}
            initialFocus={firstFocus}
            className={popupClass}
            style={{ "--dialog-width": widths[width] } as React.CSSProperties}
          >
            <header className="flex flex-none items-start gap-3 px-5 pt-4 pb-3">
              <div className="min-w-0 grow">
                <Base.Title className="text-lg font-semibold">{title}</Base.Title>
                {description ? (
                  <Base.Description className="mt-0.5 text-muted-foreground">{description}</Base.Description>
                ) : null}
              </div>
              <Base.Close render={<IconButton icon={X} label={t("close")} />} />
            </header>
            {onSubmit ? (
              <form
                className="flex min-h-0 flex-col"
                noValidate
                onSubmit={(event: FormEvent) => {
                  event.preventDefault();
                  // A dialog's form may sit, in React's tree, inside another form.
                  event.stopPropagation();
                  onSubmit();
                }}
              >
                {body}
              </form>
            ) : (
              body
            )}
          </Base.Popup>
        </Base.Portal>
      </DialogContent>
    </Base.Root>
  );
}

/**
 * Only for what cannot be undone. With `typeName` the person types the name of the thing before the deed is possible.
 */
export function AlertDialog({
  open,
  onOpenChange,
  title,
  description,
  action,
  onConfirm,
  busy = false,
  typeName,
  destructive = true,
  children,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  description: ReactNode;
  /** The verb on the button. */
  action: string;
  onConfirm: () => void;
  busy?: boolean;
  typeName?: string;
  destructive?: boolean;
  children?: ReactNode;
}) {
  const t = useTexts(uiTexts);
  const [typed, setTyped] = useState("");
  const confirmed = typeName === undefined || typed.trim() === typeName.trim();
  return (
    <BaseAlert.Root
      open={open}
      onOpenChange={(next) => {
        if (!next) setTyped("");
        onOpenChange(next);
      }}
    >
      <DialogContent>
        <BaseAlert.Portal>
          <BaseAlert.Backdrop className={backdropClass} />
          <BaseAlert.Popup className={popupClass} style={{ "--dialog-width": widths.sm } as React.CSSProperties}>
            <form
              noValidate
              className="flex min-h-0 flex-col"
              onSubmit={(event: FormEvent) => {
                event.preventDefault();
                event.stopPropagation();
                if (confirmed && !busy) onConfirm();
              }}
            >
              <div className="flex flex-col gap-3 px-5 pt-4 pb-5">
                <div>
                  <BaseAlert.Title className="text-lg font-semibold">{title}</BaseAlert.Title>
                  <BaseAlert.Description className="mt-1 text-muted-foreground">{description}</BaseAlert.Description>
                </div>
                {children}
                {typeName === undefined ? null : (
                  <Field label={t("typeToConfirm", { name: typeName })}>
                    <Input
                      value={typed}
                      onChange={(event) => setTyped(event.target.value)}
                      autoComplete="off"
                      spellCheck={false}
                    />
                  </Field>
                )}
              </div>
              <div className="flex items-center justify-end gap-2 border-t border-border-soft px-5 py-3">
                <BaseAlert.Close render={<Button variant="ghost">{t("cancel")}</Button>} />
                <Button
                  type="submit"
                  variant={destructive ? "destructive" : "primary"}
                  disabled={!confirmed}
                  busy={busy}
                >
                  {action}
                </Button>
              </div>
            </form>
          </BaseAlert.Popup>
        </BaseAlert.Portal>
      </DialogContent>
    </BaseAlert.Root>
  );
}
