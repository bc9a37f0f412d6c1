import { type FormEvent, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { Problem } from "../api/problem";
import { fieldText, useProblemTexts } from "../api/texts";
import { useDraft } from "../frame/use-draft";

type Texts = Readonly<Record<string, string>>;
type Messages<Values extends Texts> = Partial<Record<keyof Values, string | undefined>>;

export interface FormField {
  readonly control: {
    readonly value: string;
    readonly onChange: (event: { target: { value: string } }) => void;
    readonly onBlur: () => void;
  };
  readonly error: string | undefined;
}

export interface Form<Values extends Texts> {
  readonly values: Values;
  readonly set: (change: Partial<Values>) => void;
  readonly field: (name: keyof Values & string) => FormField;
  readonly form: {
    readonly ref: RefObject<HTMLFormElement | null>;
    readonly noValidate: true;
    readonly onSubmit: (event: FormEvent) => void;
  };
  readonly isDirty: boolean;
  readonly reset: (next?: Values) => void;
}

/**
 * A form of texts. A field is checked when one leaves it, is at peace while one types, and takes over what the server
 * said about it. Sending an unfinished form puts the cursor into the first field that needs something.
 */
export function useForm<Values extends Texts>({
  initial,
  check,
  problem,
  serverNames,
  told,
  draft,
  onSubmit,
}: {
  initial: Values;
  check?: (values: Values) => Messages<Values>;
  /** The failure of the last attempt. */
  problem?: unknown;
  /** What a field is called in the request, where that is not its own name. */
  serverNames?: Partial<Record<keyof Values, string>>;
  /** Words for a refusal that mean more here than their code says: which code, which password. */
  told?: (name: keyof Values, code: string) => string | undefined;
  /** Names what was typed, so that it survives a look at another tab. Never for passwords. */
  draft?: string;
  onSubmit: (values: Values) => void;
}): Form<Values> {
  const say = useProblemTexts();
  const ref = useRef<HTMLFormElement>(null);
  const [ownValues, setOwnValues] = useState(initial);
  const [keptValues, keepValues, kept] = useDraft(`form ${draft ?? ""}`, initial);
  const values = draft ? keptValues : ownValues;
  const latest = useRef(values);
  latest.current = values;
  const setValues = (next: Values) => {
    // Two fields may change before the next paint.
    latest.current = next;
    if (draft) keepValues(next);
    else setOwnValues(next);
  };
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [changed, setChanged] = useState<{ problem: unknown; names: ReadonlySet<string> }>({
    problem: null,
    names: new Set(),
  });
  const [attempt, setAttempt] = useState(0);
  const messages: Messages<Values> = useMemo(() => check?.(values) ?? {}, [check, values]);

  // Also when the answer arrives: it may be about a field that is far from the button.
  useEffect(() => {
    if (attempt === 0 && !problem) return;
    ref.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [attempt, problem]);

  const refusal = (name: string) => {
    const serverName = serverNames?.[name] ?? name;
    const code = problem instanceof Problem ? problem.field(serverName)?.code : undefined;
    return (code && told?.(name, code)) || fieldText(problem, serverName, say);
  };
  const isChanged = (name: string) => changed.problem === problem && changed.names.has(name);
  const set = (change: Partial<Values>) => {
    setValues({ ...latest.current, ...change });
    setLeft((current) => new Set([...current].filter((name) => !(name in change))));
    setChanged((current) => ({
      problem,
      names: new Set([...(current.problem === problem ? current.names : []), ...Object.keys(change)]),
    }));
  };
  return {
    values,
    set,
    field: (name) => ({
      control: {
        value: values[name] ?? "",
        onChange: (event) => set({ [name]: event.target.value } as Partial<Values>),
        // An empty field that one only passed through is not a mistake yet.
        onBlur: () => values[name] && setLeft((current) => new Set([...current, name])),
      },
      error: (left.has(name) ? messages[name] : undefined) ?? (isChanged(name) ? undefined : refusal(name)),
    }),
    form: {
      ref,
      noValidate: true,
      onSubmit: (event) => {
        event.preventDefault();
        event.stopPropagation();
        const wrong = Object.keys(messages).filter((name) => messages[name]);
        if (wrong.length > 0) {
          setLeft((current) => new Set([...current, ...wrong]));
          setAttempt((count) => count + 1);
          return;
        }
        onSubmit(values);
      },
    },
    isDirty: Object.keys(values).some((name) => values[name] !== initial[name]),
    reset: (next = initial) => {
      setValues(next);
      if (draft) kept.clear();
      setLeft(new Set());
    },
  };
}
