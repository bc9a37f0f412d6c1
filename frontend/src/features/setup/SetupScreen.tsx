import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { Check } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { isProblem, Problem } from "@/shared/api/problem";
import { useSheet } from "@/shared/frame/sheet";
import { useIsNarrow } from "@/shared/frame/use-media";
import { currentLocale } from "@/shared/i18n/locale";
import { deviceCurrency, deviceTimeZone } from "@/shared/i18n/regions";
import { useTexts } from "@/shared/i18n/texts";
import { discoverQuery } from "@/shared/models/providers";
import { PageSwitches } from "@/shared/session/page-switches";
import { useApplyPreferences } from "@/shared/session/preferences";
import { installationQuery, type Me, meQuery } from "@/shared/session/queries";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { Wordmark } from "@/shared/ui/logo";
import { AccountStep } from "./AccountStep";
import { AppearanceStep } from "./AppearanceStep";
import { useSetUp } from "./api";
import { DoneStep } from "./DoneStep";
import { ModelStep } from "./model/ModelStep";
import { SystemCheck } from "./SystemCheck";
import { setupTexts } from "./texts";

export interface SetupDraft {
  name: string;
  email: string;
  password: string;
  timezone: string;
  currency: string;
}

export interface StepProps {
  readonly me: Me;
  readonly kind: "single" | "multi";
  readonly draft: SetupDraft;
  readonly keep: (change: Partial<SetupDraft>) => void;
  /** To the step before; null on the first. */
  readonly back: (() => void) | null;
  readonly next: () => void;
  /** Sends all answers; only the step before the last does it. */
  readonly finish: () => void;
  readonly busy: boolean;
  readonly problem: unknown;
}

/** The way through first run. A new step is one line here. */
const allSteps = [
  { id: "account", Body: AccountStep },
  { id: "model", Body: ModelStep },
  { id: "appearance", Body: AppearanceStep },
  { id: "ready", Body: DoneStep },
] as const;

/** Whoever may not set up models, or whose server has none to set up, goes past that step. */
function useSteps(me: Me) {
  const mayChoose = me.role === "admin";
  const { error } = useQuery({ ...discoverQuery, enabled: mayChoose });
  const isMissing = isProblem(error) && (error.status === 404 || error.status === 403);
  return mayChoose && !isMissing ? allSteps : allSteps.filter(({ id }) => id !== "model");
}

const accountFields = ["name", "email", "password"] as const;

export default function SetupScreen() {
  const me = useQuery(meQuery);
  const installation = useQuery(installationQuery);
  useApplyPreferences(me.data?.settings);
  const [isFinished, setFinished] = useState(false);
  if (me.data === null) return <Navigate to="/login" replace />;
  if (me.data && !me.data.must_set_up && !isFinished) return <Navigate to="/" replace />;
  if (!me.data || !installation.data) return <div className="min-h-dvh bg-frame" />;
  return <Setup me={me.data} kind={installation.data.kind} onFinish={() => setFinished(true)} />;
}

function Setup({ me, kind, onFinish }: { me: Me; kind: "single" | "multi"; onFinish: () => void }) {
  const t = useTexts(setupTexts);
  const isNarrow = useIsNarrow();
  const [index, setIndex] = useState(0);
  const [draft, setDraft] = useState<SetupDraft>(() => ({
    // Whoever came by the printed link has no name yet, only a word for what they are.
    name: me.email ? me.name : "",
    email: me.email ?? "",
    password: "",
    timezone: deviceTimeZone(),
    currency: deviceCurrency(),
  }));
  const setUp = useSetUp();
  const steps = useSteps(me);
  const step = steps[index] ?? allSteps[0];
  const heading = useHeadingFocus(step.id);

  const finish = () => {
    onFinish();
    setUp.mutate(
      {
        name: draft.name.trim(),
        email: draft.email.trim() || null,
        password: draft.password || null,
        language: currentLocale().language,
        timezone: draft.timezone,
        currency: draft.currency,
        theme: me.settings.theme,
      },
      {
        onSuccess: () => setIndex(index + 1),
        onError: (error) => {
          // What is wrong stands on the first page, so the person does too.
          if (error instanceof Problem && accountFields.some((name) => error.field(name))) setIndex(0);
        },
      },
    );
  };
  const Body = step.Body;
  return (
    <div className="grid min-h-dvh grid-rows-[auto_minmax(0,1fr)] bg-frame p-2 lg:h-dvh lg:grid-cols-[400px_minmax(0,1fr)] lg:grid-rows-1">
      <div className="flex flex-col px-4 pt-3 pb-4 lg:scroll lg:min-h-0 lg:px-9 lg:pt-8 lg:pb-5">
        <header>
          <Wordmark />
        </header>
        <nav aria-label={t("steps")} className="lg:mt-12">
          <ol className="mt-4 flex gap-4 lg:mt-0 lg:flex-col lg:gap-1">
            {steps.map(({ id }, place) => (
              <StepMark key={id} number={place + 1} state={place < index ? "done" : place === index ? "here" : "ahead"}>
                {t(id)}
              </StepMark>
            ))}
          </ol>
        </nav>
        <span className="grow" />
        {isNarrow ? null : (
          <>
            <div className="mt-8">
              <SystemCheck />
            </div>
            <div className="mt-4">
              <PageSwitches />
            </div>
          </>
        )}
      </div>
      <main
        id="main"
        className="flex min-h-0 min-w-0 flex-col rounded-lg border border-border bg-background shadow-tab lg:overflow-hidden"
      >
        <div ref={heading} className="contents">
          <Body
            key={step.id}
            me={me}
            kind={kind}
            draft={draft}
            keep={(change) => setDraft((current) => ({ ...current, ...change }))}
            back={index > 0 ? () => setIndex(index - 1) : null}
            next={() => setIndex(index + 1)}
            finish={finish}
            busy={setUp.isPending}
            problem={setUp.error}
          />
        </div>
        {isNarrow ? (
          <div className="border-t border-border-soft px-4 py-5">
            <SystemCheck />
            <div className="mt-4">
              <PageSwitches />
            </div>
          </div>
        ) : null}
      </main>
    </div>
  );
}

/** Who goes a step further starts at its heading; the first page begins where the form wants it. */
function useHeadingFocus(step: string) {
  const ref = useRef<HTMLDivElement>(null);
  const shown = useRef(step);
  useEffect(() => {
    if (shown.current === step) return;
    shown.current = step;
    ref.current?.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, [step]);
  return ref;
}

function StepMark({
  number,
  state,
  children,
}: {
  number: number;
  state: "done" | "here" | "ahead";
  children: ReactNode;
}) {
  const t = useTexts(setupTexts);
  return (
    <li
      aria-current={state === "here" ? "step" : undefined}
      className={cx("flex h-10 items-center gap-2 lg:gap-3", state === "ahead" && "text-muted-foreground")}
    >
      <span
        aria-hidden="true"
        className={cx(
          "num grid size-6 flex-none place-items-center rounded-full text-xs font-semibold",
          state === "done" && "bg-primary-tint text-primary-text",
          state === "here" && "bg-primary text-primary-foreground",
          state === "ahead" && "ring-1 ring-border-strong ring-inset",
        )}
      >
        {state === "done" ? <Icon icon={Check} size={14} strokeWidth={2.6} /> : number}
      </span>
      <span className={cx("text-md", state === "here" && "font-semibold", state !== "here" && "max-sm:sr-only")}>
        {children}
        {state === "done" ? <span className="sr-only">, {t("done")}</span> : null}
      </span>
    </li>
  );
}

/** One step on the sheet: heading, its content in the middle, and the foot with what it means and how to go on. */
export function StepSheet({
  title,
  lead,
  note,
  buttons,
  onSubmit,
  form,
  children,
}: {
  title: string;
  lead: string;
  note?: ReactNode;
  buttons: ReactNode;
  onSubmit?: () => void;
  form?: React.ComponentProps<"form">;
  children: ReactNode;
}) {
  useSheet({ title });
  return (
    <form
      noValidate
      className="flex min-h-0 grow flex-col"
      {...form}
      onKeyDown={(event) => {
        // The button promises Enter, wherever one stands that does not use Enter itself.
        const target = event.target as HTMLElement;
        if (event.key !== "Enter" || event.defaultPrevented) return;
        if (target.closest("button:not([role]), a, input, textarea, [role='combobox']")) return;
        event.preventDefault();
        event.currentTarget.requestSubmit();
      }}
      onSubmit={
        form?.onSubmit ??
        ((event) => {
          event.preventDefault();
          onSubmit?.();
        })
      }
    >
      <div className="flex min-h-0 grow flex-col lg:scroll">
        <div className="m-auto w-full max-w-[45rem] px-4 py-8 md:px-10">
          <h1 tabIndex={-1} className="text-2xl font-semibold tracking-[-0.01em] outline-none">
            {title}
          </h1>
          <p className="mt-1.5 text-base text-muted-foreground">{lead}</p>
          <div className="mt-7">{children}</div>
        </div>
      </div>
      <footer className="flex min-h-[4.25rem] flex-none flex-wrap items-center gap-3 border-t border-border-soft px-4 py-3 md:px-6">
        <div className="min-w-0 grow basis-60 text-muted-foreground">{note}</div>
        <div className="ml-auto flex gap-2 pointer-coarse:[&_kbd]:hidden">{buttons}</div>
      </footer>
    </form>
  );
}
