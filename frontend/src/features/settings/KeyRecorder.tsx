import { CircleAlert, TriangleAlert } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { type Binding, chordOf, showBinding } from "@/shared/keys/binding";
import { type ActionDefinition, bindingOf } from "@/shared/keys/registry";
import { isMac } from "@/shared/keys/use-keys";
import { useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { Input } from "@/shared/ui/input";
import { Notice } from "@/shared/ui/states";
import { append, judge, withBinding } from "./bindings";
import { settingsTexts } from "./texts";
import { useSave } from "./use-save";

// As long as a sequence waits for its second key when it is used.
const SEQUENCE_MS = 1200;

/** Listens to the keys that are pressed and says what stands in the way. */
export function KeyRecorder({ action, onClose }: { action: ActionDefinition; onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const { language } = useLocale();
  const { settings } = useMe();
  const save = useSave();
  const [binding, setBinding] = useState<Binding>(bindingOf(action.id));
  const [isFresh, setFresh] = useState(true);
  const [usedAltGr, setUsedAltGr] = useState(false);
  const lastAt = useRef(Number.NEGATIVE_INFINITY);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);

  const verdict = judge(action.id, binding);
  const title = action.title[language];
  const shown = showBinding(binding, language, isMac).join("  ");

  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    // Leaving must stay possible with the keyboard alone.
    if (event.key === "Tab" || event.key === "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    const altGraph = event.getModifierState("AltGraph") || (event.ctrlKey && event.altKey);
    setUsedAltGr(altGraph && event.key.length === 1);
    const chord = chordOf(
      {
        key: event.key,
        ctrlKey: event.ctrlKey,
        metaKey: event.metaKey,
        altKey: event.altKey,
        shiftKey: event.shiftKey,
        altGraph,
      },
      isMac,
    );
    if (!chord || event.repeat) return;
    const soon = event.timeStamp - lastAt.current < SEQUENCE_MS;
    lastAt.current = event.timeStamp;
    setBinding(!isFresh && soon ? append(binding, chord) : [chord]);
    setFresh(false);
  };

  const keep = (next: Binding) => {
    const keys = settings.keys ?? {};
    const cleared = verdict.kind === "conflict" && next.length > 0 ? withBinding(keys, verdict.other.id, []) : keys;
    const text = next.length
      ? t("keySaved", { action: title, keys: showBinding(next, language, isMac).join(" ") })
      : t("keyRemoved", { action: title });
    save({ keys: { ...withBinding(cleared, action.id, next) } }, text);
    onClose();
  };
  const isPossible = verdict.kind === "good" || verdict.kind === "conflict";
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("recordTitle", { action: title })}
      description={t("recordLead")}
      width="sm"
      footer={
        <>
          <Button variant="ghost" className="mr-auto" onClick={() => keep([])}>
            {t("keyRemove")}
          </Button>
          <Button variant="primary" disabled={!isPossible || isFresh} onClick={() => keep(binding)}>
            {verdict.kind === "conflict" ? t("keyTakeOver") : t("save")}
          </Button>
        </>
      }
    >
      <Field label={t("recordField")} help={t("recordHelp")}>
        <Input
          ref={input}
          readOnly
          value={shown}
          placeholder={t("keyNone")}
          onKeyDown={onKeyDown}
          className="text-center font-medium"
        />
      </Field>
      <div role="status" className="mt-3 empty:hidden">
        {usedAltGr ? (
          <Notice tone="brass" icon={CircleAlert}>
            {t("recordAltGr")}
          </Notice>
        ) : verdict.kind === "conflict" ? (
          <Notice tone="brass" icon={TriangleAlert}>
            {t("recordConflict", { other: verdict.other.title[language] })}
          </Notice>
        ) : verdict.kind === "unreachable" ? (
          <Notice tone="brass" icon={CircleAlert}>
            {t("recordUnreachable")}
          </Notice>
        ) : verdict.kind === "browser" ? (
          <Notice tone="brass" icon={CircleAlert}>
            {t("recordBrowser")}
          </Notice>
        ) : null}
      </div>
    </Dialog>
  );
}
