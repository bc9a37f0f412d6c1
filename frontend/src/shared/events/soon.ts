const GATHER_MS = 300;

/** Gathers what is asked for within a moment, so that many events lead to one question each. */
export function gathering(ask: (key: readonly string[]) => void): {
  soon: (key: readonly string[]) => void;
  stop: () => void;
} {
  const wanted = new Map<string, readonly string[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    const keys = [...wanted.values()];
    wanted.clear();
    for (const key of keys) ask(key);
  };
  return {
    soon: (key) => {
      wanted.set(key.join("/"), key);
      timer ??= setTimeout(flush, GATHER_MS);
    },
    stop: () => clearTimeout(timer),
  };
}
