import { useQueryClient } from "@tanstack/react-query";
import { Check, ChevronDown, ChevronUp, CircleAlert, Copy, Unplug, X } from "lucide-react";
import { useEffect, useState } from "react";
import { problemText, useProblemTexts } from "@/shared/api/texts";
import { Link, textLinkClass } from "@/shared/frame/link";
import { formatBytes, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button, IconButton } from "@/shared/ui/button";
import { Icon } from "@/shared/ui/icons";
import { ProgressBar } from "@/shared/ui/marks";
import { Spinner } from "@/shared/ui/spinner";
import { countsKey, listKey } from "./api";
import { documentTexts, failureTexts } from "./texts";
import { clearFinished, dropUpload, dropUploads, isMoving, retryUpload, type Upload, useUploads } from "./uploads";

/** What finished well says so for a moment; what did not stays until somebody decides. */
const SHOWN_FOR_MS = 4000;
const ROWS = 60;
/** Of many that arrive at once the list is read again once. */
const GATHER_MS = 300;

/** The files on their way into one project, all together and each by itself. */
export function UploadPanel({ projectId }: { projectId: string }) {
  const t = useTexts(documentTexts);
  const locale = useLocale();
  const all = useUploads().filter((upload) => upload.projectId === projectId);
  const [isOpen, setOpen] = useState(false);
  const moving = all.filter(isMoving);
  const troubled = all.filter(({ state }) => state === "failed" || state === "duplicate");
  const done = all.filter(({ state }) => state === "done");
  const isQuiet = moving.length === 0 && troubled.length === 0 && done.length > 0;
  useEffect(() => {
    if (!isQuiet) return;
    const timer = setTimeout(clearFinished, SHOWN_FOR_MS);
    return () => clearTimeout(timer);
  }, [isQuiet]);
  // Events tell it too, unless the line for them is only just being opened.
  const client = useQueryClient();
  const arrived = done.length;
  useEffect(() => {
    if (arrived === 0) return;
    const timer = setTimeout(() => {
      void client.invalidateQueries({ queryKey: listKey });
      void client.invalidateQueries({ queryKey: countsKey });
    }, GATHER_MS);
    return () => clearTimeout(timer);
  }, [client, arrived]);
  if (all.length === 0) return null;
  const bytes = all.reduce((sum, upload) => sum + upload.bytes, 0);
  const sent = all.reduce((sum, upload) => sum + (upload.state === "done" ? upload.bytes : upload.sent), 0);
  const shown = isOpen ? all : troubled;
  const number = (value: number) => formatNumber(value, {}, locale);
  const title =
    moving.length > 0
      ? t("uploading", { count: moving.length })
      : troubled.length > 0
        ? t("uploadTrouble", { count: troubled.length })
        : t("uploadDone", { count: done.length });
  return (
    <section aria-label={t("uploads")} className="mt-4 rounded-lg border border-border bg-raised shadow-tab">
      <header className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 px-4 py-1.5">
        {moving.length > 0 ? (
          <Spinner size={15} />
        ) : (
          <Icon
            icon={troubled.length > 0 ? CircleAlert : Check}
            className={troubled.length > 0 ? "text-brick-text" : "text-muted-foreground"}
          />
        )}
        <span role="status" className="font-medium">
          {title}
        </span>
        <span className="num text-xs text-muted-foreground">
          {t("uploadingOf", {
            done: number(done.length),
            count: number(all.length),
            sent: formatBytes(sent, locale),
            size: formatBytes(bytes, locale),
          })}
        </span>
        <span className="grow" />
        {moving.length === 0 ? (
          <Button size="sm" variant="ghost" onClick={() => dropUploads(all)}>
            {t("uploadClear")}
          </Button>
        ) : null}
        <IconButton
          icon={isOpen ? ChevronUp : ChevronDown}
          label={isOpen ? t("hideList") : t("showList")}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        />
      </header>
      {moving.length > 0 ? (
        <ProgressBar label={t("uploads")} value={sent} max={Math.max(1, bytes)} className="!h-[3px] rounded-none" />
      ) : null}
      {shown.length > 0 ? (
        <ul className="max-h-72 overflow-y-auto border-t border-border-soft">
          {shown.slice(0, ROWS).map((upload) => (
            <UploadRow key={upload.id} upload={upload} />
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function UploadRow({ upload }: { upload: Upload }) {
  const t = useTexts(documentTexts);
  const say = useProblemTexts();
  const f = useTexts(failureTexts);
  const locale = useLocale();
  const { id, name, state, bytes, sent, error, present } = upload;
  const told = () => {
    const code = String((error as { code?: string })?.code ?? "");
    const key = code.slice(code.indexOf(".") + 1);
    if (code.startsWith("document.") && key in failureTexts.en) return f(key as "damaged");
    return problemText(error, say).title;
  };
  return (
    <li className="flex min-h-10 flex-wrap items-center gap-x-3 border-b border-border-soft px-4 py-1 last:border-0">
      <span className="min-w-0 grow basis-40 truncate" title={name}>
        {name}
      </span>
      {state === "duplicate" || state === "failed" ? (
        <>
          <span className="flex items-center gap-2 text-xs text-brick-text">
            <Icon icon={state === "duplicate" ? Copy : CircleAlert} size={14} />
            {state === "duplicate" ? t("uploadDuplicate") : told()}
          </span>
          {present ? (
            <Link to={`/doc/${present}`} className={`${textLinkClass} text-xs`}>
              {t("uploadPresent")}
            </Link>
          ) : null}
          <Button size="sm" variant="ghost" onClick={() => retryUpload(id, { allowDuplicate: state === "duplicate" })}>
            {state === "duplicate" ? t("uploadAnyway") : t("uploadAgain")}
          </Button>
        </>
      ) : state === "broken" ? (
        <span className="flex items-center gap-2 text-xs text-brass-text">
          <Icon icon={Unplug} size={14} />
          {t("uploadBroken")}
        </span>
      ) : state === "sending" ? (
        <ProgressBar label={name} value={sent} max={Math.max(1, bytes)} className="!w-28" />
      ) : (
        <span className="text-xs text-muted-foreground">{state === "done" ? t("uploadSent") : t("uploadWaits")}</span>
      )}
      <span className="num w-16 text-right text-xs text-muted-foreground">{formatBytes(bytes, locale)}</span>
      <IconButton
        icon={X}
        size="sm"
        label={isMoving(upload) ? t("uploadStop", { name }) : t("uploadRemove", { name })}
        onClick={() => dropUpload(id)}
      />
    </li>
  );
}
