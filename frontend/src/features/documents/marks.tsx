import {
  FileCode,
  FileImage,
  FileSpreadsheet,
  FileText,
  FileType,
  Globe,
  type LucideIcon,
  Mail,
  NotebookText,
  Presentation,
  ScanText,
  TriangleAlert,
} from "lucide-react";
import { formatPercent } from "@/shared/i18n/format";
import { currentLocale, useLocale } from "@/shared/i18n/locale";
import { type Say, sayIn, useTexts } from "@/shared/i18n/texts";
import { Icon } from "@/shared/ui/icons";
import { Spinner } from "@/shared/ui/spinner";
import { type DocumentRead, type Kind, underWay } from "./api";
import { documentTexts, failureTexts } from "./texts";

const icons: Partial<Record<Kind, LucideIcon>> = {
  pptx: Presentation,
  xlsx: FileSpreadsheet,
  csv: FileSpreadsheet,
  html: Globe,
  epub: NotebookText,
  markdown: FileType,
  json: FileCode,
  eml: Mail,
  image: FileImage,
};

export const iconOf = (kind: Kind | null): LucideIcon => (kind && icons[kind]) || FileText;

/** Why it failed, in the person's language where the reason is known to this version. */
export function failureOf({ code, sentence }: { code: string; sentence: string }): string {
  const key = code.slice(code.indexOf(".") + 1);
  return key in failureTexts.en ? sayIn(failureTexts, currentLocale().language)(key as "damaged") : sentence;
}

/** How far it is, in a few words; nothing for what is simply there. */
export function stateWords(document: DocumentRead, t: Say<(typeof documentTexts)["en"]>): string {
  const { state, progress } = document;
  const { done = 0, total = null } = progress ?? {};
  if (state === "reading" && done > 0) {
    return total ? t("state.readingOf", { done, total }) : t("state.readingPage", { done });
  }
  if (state === "indexing" && total) return t("state.indexingOf", { percent: formatPercent(done / total) });
  return t(`state.${state}`);
}

export const needsOcr = ({ notices }: DocumentRead) => notices.some(({ code }) => code === "ocr_missing");

/** Beside the name: only what is not as one expects. */
export function StateWords({ document }: { document: DocumentRead }) {
  const t = useTexts(documentTexts);
  useLocale();
  if (underWay.has(document.state)) {
    return (
      <span className="flex min-w-0 items-center gap-2 text-xs text-muted-foreground">
        {document.state === "waiting" ? (
          <span aria-hidden="true" className="size-[13px] rounded-full border-2 border-border" />
        ) : (
          <Spinner size={13} />
        )}
        <span className="num truncate">{stateWords(document, t)}</span>
      </span>
    );
  }
  if (document.state === "failed" && document.problem) {
    const sentence = failureOf(document.problem);
    return (
      <span className="flex min-w-0 items-center gap-2 text-xs text-brick-text">
        <Icon icon={TriangleAlert} size={14} />
        <span className="truncate" title={sentence}>
          {sentence}
        </span>
      </span>
    );
  }
  if (needsOcr(document)) {
    return (
      <span
        className="flex min-w-0 items-center gap-2 text-xs text-brass-text"
        title={t("ocrNeededText", { name: document.name })}
      >
        <Icon icon={ScanText} size={14} />
        <span className="truncate">{t("ocrNeeded")}</span>
      </span>
    );
  }
  return null;
}

export function Tags({ tags }: { tags: readonly string[] }) {
  return tags.map((tag) => (
    <span
      key={tag}
      className="inline-flex h-[1.125rem] max-w-32 items-center truncate rounded-xs bg-selected px-1.5 text-2xs text-muted-foreground"
    >
      {tag}
    </span>
  ));
}
