import { lazy, Suspense, useEffect, useState } from "react";
import { onFirstToast } from "./toast";

const load = () => import("./toast-list");
const ToastList = lazy(load);

/** Place of the messages. Their view comes with the first one, or when the browser has nothing better to do. */
export function Toasts() {
  const [wanted, setWanted] = useState(false);
  useEffect(() => onFirstToast(() => setWanted(true)), []);
  useEffect(() => {
    const timer = setTimeout(() => void load().catch(() => {}), 3000);
    return () => clearTimeout(timer);
  }, []);
  return <Suspense>{wanted ? <ToastList /> : null}</Suspense>;
}
