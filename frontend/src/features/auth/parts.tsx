import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { PlainPage } from "@/shared/frame/page";
import { useTexts } from "@/shared/i18n/texts";
import { PageSwitches } from "@/shared/session/page-switches";
import type { Me } from "@/shared/session/queries";
import { CopyButton } from "@/shared/ui/copy-button";
import { Skeleton } from "@/shared/ui/states";
import { safeNext } from "./next";
import { authTexts } from "./texts";

/** The page of everything in this area: the mark, one column, and below it what suits everyone. */
export function EntrancePage({ title, lead, children }: { title: string; lead?: ReactNode; children: ReactNode }) {
  return (
    <PlainPage title={title} lead={lead} foot={<PageSwitches />}>
      {children}
    </PlainPage>
  );
}

/** Goes where the person wanted to go, or first through the set-up when that has not been done. */
export function useEnter(): (me: Me, next?: unknown) => void {
  const navigate = useNavigate();
  return (me, next) => {
    const path = me.must_set_up ? "/setup" : safeNext(next);
    // The whole address, because it may carry a search and a hash of its own.
    void navigate({ href: path, to: path, replace: true } as never);
  };
}

/** A command for the terminal, ready to be copied. */
export function Command({ children }: { children: string }) {
  const t = useTexts(authTexts);
  return (
    <div className="mt-2 flex items-center gap-2 rounded-sm border border-border bg-sunken py-1 pr-1 pl-3">
      <code className="min-w-0 grow overflow-x-auto font-mono text-xs whitespace-nowrap">{children}</code>
      <CopyButton text={children} label={t("copyCommand")} />
    </div>
  );
}

export function OrLine() {
  const t = useTexts(authTexts);
  return (
    <div className="my-5 flex items-center gap-3 text-xs text-faint">
      <span className="h-px grow bg-border-soft" />
      {t("or")}
      <span className="h-px grow bg-border-soft" />
    </div>
  );
}

/** The geometry of a form whose shape the server still has to tell. */
export function FormSkeleton({ fields = 2 }: { fields?: number }) {
  const t = useTexts(authTexts);
  return (
    <div role="status" aria-label={t("loading")} className="flex flex-col gap-4">
      {Array.from({ length: fields }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bars have no identity
        <div key={index} className="flex flex-col gap-2">
          <Skeleton className="h-3 w-24" />
          <Skeleton className="h-9 w-full" />
        </div>
      ))}
      <Skeleton className="mt-1 h-9 w-full" />
    </div>
  );
}
