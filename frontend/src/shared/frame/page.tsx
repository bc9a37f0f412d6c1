import type { ReactNode } from "react";
import { Wordmark } from "../ui/logo";
import { useSheet } from "./sheet";

/** A page without the frame: sign-in, joining, a new password. The mark, one column, one deed. */
export function PlainPage({
  title,
  lead,
  foot,
  children,
}: {
  title: string;
  lead?: ReactNode;
  foot?: ReactNode;
  children: ReactNode;
}) {
  useSheet({ title });
  return (
    <div className="flex min-h-dvh flex-col bg-frame p-2 pb-[max(0.5rem,env(safe-area-inset-bottom))]">
      <div className="flex grow flex-col rounded-lg border border-border bg-background shadow-tab">
        <header className="flex-none px-6 pt-6 md:px-10 md:pt-9">
          <Wordmark />
        </header>
        <main
          id="main"
          tabIndex={-1}
          className="mx-auto flex w-full max-w-[26rem] grow flex-col justify-center px-6 py-10 outline-none"
        >
          <h1 className="text-2xl font-semibold tracking-[-0.01em]">{title}</h1>
          {lead ? <div className="mt-1.5 text-md text-muted-foreground">{lead}</div> : null}
          <div className="mt-6">{children}</div>
        </main>
        {foot ? (
          <footer className="flex flex-none flex-wrap items-center gap-x-4 gap-y-2 border-t border-border-soft px-6 py-4 text-muted-foreground md:px-10">
            {foot}
          </footer>
        ) : null}
      </div>
    </div>
  );
}
