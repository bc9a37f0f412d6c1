import { useEffect, useState } from "react";

const PAUSE_MS = 250;

/** Text that waits for a pause in typing before it counts; what changes it from outside comes back into the field. */
export function useTyped(value: string, commit: (text: string) => void): [string, (text: string) => void] {
  const [typed, setTyped] = useState({ text: value, from: value });
  const text = typed.from === value ? typed.text : value;
  useEffect(() => {
    if (typed.from !== value || typed.text.trim() === value) return;
    const timer = setTimeout(() => commit(typed.text.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, value, commit]);
  return [text, (next) => setTyped({ text: next, from: value })];
}
