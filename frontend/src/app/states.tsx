import { useQueryClient } from "@tanstack/react-query";
import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { House, RotateCw } from "lucide-react";
import { Component, type ReactNode } from "react";
import { useConnection } from "@/shared/api/connection";
import { Offline, Problem } from "@/shared/api/problem";
import { Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Logo } from "@/shared/ui/logo";
import { useLate } from "@/shared/ui/spinner";
import { EmptyState, ErrorState } from "@/shared/ui/states";
import { appTexts } from "./texts";

export function NotFoundPage() {
  const t = useTexts(appTexts);
  return (
    <Screen title={t("notFound")} tabTitle={t("notFoundShort")} width="reading">
      <p className="text-muted-foreground">{t("notFoundText")}</p>
      <Button className="mt-4" icon={House} render={<Link to="/" />}>
        {t("toStart")}
      </Button>
    </Screen>
  );
}

export function ForbiddenPage() {
  const t = useTexts(appTexts);
  return (
    <Screen title={t("forbidden")} width="reading">
      <p className="text-muted-foreground">{t("forbiddenText")}</p>
      <Button className="mt-4" icon={House} render={<Link to="/" />}>
        {t("toStart")}
      </Button>
    </Screen>
  );
}

// After an update the files this window was built from are gone.
const isMissingChunk = (error: unknown) =>
  error instanceof TypeError && /dynamically imported module|importing a module script/i.test(error.message);

/** What is left of a sheet when its screen fails. The frame around it works on. */
export function BrokenSheet({ error, reset }: Pick<ErrorComponentProps, "error" | "reset">) {
  const t = useTexts(appTexts);
  const client = useQueryClient();
  const router = useRouter();
  const connection = useConnection();
  const again = () => {
    void client.resetQueries({ predicate: (query) => query.state.status === "error" });
    reset();
    void router.invalidate();
  };
  const reload = (
    <Button icon={RotateCw} onClick={() => location.reload()}>
      {t("reloadPage")}
    </Button>
  );
  if (isMissingChunk(error) && connection.state === "lost") {
    return (
      <Screen title={t("brokenTitle")} width="reading">
        <ErrorState error={new Offline()} onRetry={again} />
      </Screen>
    );
  }
  if (isMissingChunk(error)) {
    return (
      <Screen title={t("updateTitle")} width="reading">
        <EmptyState title={t("updateText")} action={reload} />
      </Screen>
    );
  }
  const answered = error instanceof Problem;
  return (
    <Screen title={t("brokenTitle")} width="reading">
      {answered ? null : <p className="text-muted-foreground">{t("brokenText")}</p>}
      <ErrorState error={error} action={answered ? undefined : reload} onRetry={again} />
    </Screen>
  );
}

/** A wall around a part of the frame: what breaks inside takes nothing else with it. */
export class Boundary extends Component<
  { children: ReactNode; resetKey?: string; fallback?: (error: Error, reset: () => void) => ReactNode },
  { error: Error | null }
> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidUpdate(previous: { resetKey?: string }) {
    if (this.state.error && previous.resetKey !== this.props.resetKey) this.reset();
  }

  reset = () => this.setState({ error: null });

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return this.props.fallback?.(error, this.reset) ?? <BrokenSheet error={error} reset={this.reset} />;
  }
}

/** Before it is known who is there: the quiet frame, and the mark once that takes long. */
export function Boot() {
  const late = useLate(true, 150);
  return (
    <div className="grid min-h-dvh place-items-center bg-frame">
      {late ? <Logo size={40} className="text-primary-line" /> : null}
    </div>
  );
}

export function BootFailed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const t = useTexts(appTexts);
  return (
    <div className="flex min-h-dvh flex-col bg-frame p-2">
      <main className="flex grow flex-col items-center justify-center rounded-lg border border-border bg-background p-6">
        <div className="w-full max-w-[38.5rem]">
          <Logo size={28} />
          <h1 className="mt-6 text-2xl font-semibold tracking-[-0.01em]">{t("startFailed")}</h1>
          <ErrorState error={error} onRetry={onRetry} />
        </div>
      </main>
    </div>
  );
}
