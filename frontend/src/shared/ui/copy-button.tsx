import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { announce } from "../frame/announcer";
import { useTexts } from "../i18n/texts";
import { Button, IconButton } from "./button";
import { uiTexts } from "./texts";
import { toast } from "./toast";

/** Copies and says so for two seconds; where the browser refuses (no https), it tells the way out. */
export function CopyButton({ text, label, withWord = false }: { text: string; label?: string; withWord?: boolean }) {
  const t = useTexts(uiTexts);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      announce(t("copied"));
    } catch {
      toast({ text: t("copyFailed") });
    }
  };
  const name = copied ? t("copied") : (label ?? t("copy"));
  if (withWord) {
    return (
      <Button icon={copied ? Check : Copy} onClick={() => void copy()}>
        {name}
      </Button>
    );
  }
  return <IconButton icon={copied ? Check : Copy} label={name} onClick={() => void copy()} />;
}
