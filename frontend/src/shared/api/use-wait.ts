import { useEffect, useState } from "react";
import { Problem } from "./problem";

/** How many seconds the server still asks to wait after this failure; 0 when one may try again. Counts down. */
export function useWait(error: unknown): number {
  const [wait, setWait] = useState<{ error: unknown; left: number }>({ error: null, left: 0 });
  const asked = error instanceof Problem && error.status === 429 ? (error.retryAfterSeconds ?? 0) : 0;
  useEffect(() => {
    if (asked === 0) return;
    const until = Date.now() + asked * 1000;
    const tick = () => {
      const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      setWait({ error, left });
      if (left === 0) clearInterval(timer);
    };
    const timer = setInterval(tick, 500);
    tick();
    return () => clearInterval(timer);
  }, [error, asked]);
  if (asked === 0) return 0;
  return wait.error === error ? wait.left : asked;
}
