import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type DocumentRead, pageQuery, textQuery } from "@/shared/documents/api";
import { Link, textLinkClass } from "@/shared/frame/link";
import { Inspector } from "@/shared/frame/sheet";
import { isDay, sayDay } from "@/shared/i18n/days";
import { formatBytes, formatDateTime, formatNumber } from "@/shared/i18n/format";
import { type Locale, useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { mayEdit, useDeeds } from "./deeds";
import { Tags } from "./marks";
import { documentTexts } from "./texts";

/** What is known about a document beside its text. */
export function DocumentDetails({
  document,
  textId,
  page,
}: {
  document: DocumentRead;
  textId: string | null;
  page: number;
}) {
  const t = useTexts(documentTexts);
  const locale = useLocale();
  const text = useQuery({ ...textQuery(document.id, textId), enabled: textId !== null });
  const { run, dialog } = useDeeds();
  const number = (value: number) => formatNumber(value, {}, locale);
  const facts: [string, ReactNode][] = [
    [t("author"), document.author],
    [t("dated"), document.dated ? dayWords(document.dated, locale) : ""],
    [t("type"), document.kind ? t(`kind.${document.kind}`) : ""],
    [t("language"), document.language && document.characters > 0 ? t(`language.${document.language}`) : ""],
    [t("pages"), document.pages > 0 ? number(document.pages) : ""],
    [t("characters"), document.characters > 0 ? number(document.characters) : ""],
    [t("size"), document.bytes > 0 ? formatBytes(document.bytes, locale) : ""],
    [t("added"), formatDateTime(document.created_at, locale)],
    [t("file"), document.title ? document.name : ""],
    [
      t("source"),
      document.url ? (
        <a
          key="url"
          href={document.url}
          target="_blank"
          rel="noreferrer noopener"
          className={`${textLinkClass} break-all`}
        >
          {document.url}
        </a>
      ) : (
        ""
      ),
    ],
    [
      t("sum"),
      document.sha256 ? (
        <span key="sum" className="font-mono text-2xs break-all" title={document.sha256}>
          {document.sha256.slice(0, 16)} …
        </span>
      ) : (
        ""
      ),
    ],
  ];
  const versions = text.data?.versions ?? [];
  return (
    <Inspector title={t("details")}>
      <div className="scroll min-h-0 grow px-5 pt-3.5 pb-8">
        <h2 className="pr-9 text-md font-semibold break-words">{document.title || document.name}</h2>
        <dl className="mt-3 border-t border-border-soft">
          {facts
            .filter(([, value]) => value !== "")
            .map(([label, value]) => (
              <div key={label} className="flex min-h-9 items-baseline gap-3 border-b border-border-soft py-1.5">
                <dt className="w-28 flex-none text-muted-foreground">{label}</dt>
                <dd className="num min-w-0 grow break-words">{value}</dd>
              </div>
            ))}
        </dl>
        <Group
          title={t("tags")}
          action={
            mayEdit(document) ? (
              <Button size="sm" variant="ghost" onClick={() => run("tags", [document])}>
                {t("changeTags")}
              </Button>
            ) : null
          }
        >
          {document.tags.length > 0 ? (
            <div className="flex flex-wrap gap-1">
              <Tags tags={document.tags} />
            </div>
          ) : null}
        </Group>
        {document.notices.length > 0 ? (
          <Group title={t("remarks")}>
            <ul className="flex flex-col gap-1.5 text-muted-foreground">
              {document.notices.map(({ code, sentence }) => {
                const key = `notice.${code}`;
                return <li key={sentence}>{key in documentTexts.en ? t(key as "notice.attachment") : sentence}</li>;
              })}
            </ul>
          </Group>
        ) : null}
        {textId ? <HiddenText document={document} textId={textId} page={page} /> : null}
        {versions.length > 1 ? (
          <Group title={t("versions")}>
            <ul>
              {versions.map((version) => (
                <li key={version.text_id} className="flex min-h-8 items-center gap-2 border-b border-border-soft">
                  <Link
                    to={`/doc/${document.id}`}
                    search={version.is_current ? {} : { t: version.text_id }}
                    aria-current={version.text_id === textId ? "true" : undefined}
                    className={textLinkClass}
                  >
                    {formatDateTime(version.created_at, locale)}
                  </Link>
                  {version.is_current ? <span className="text-xs text-faint">{t("versionNow")}</span> : null}
                  <span className="grow" />
                  <span className="num text-xs text-muted-foreground">{number(version.characters)}</span>
                </li>
              ))}
            </ul>
          </Group>
        ) : null}
        {dialog}
      </div>
    </Inspector>
  );
}

function Group({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <section className="mt-5">
      <div className="mb-1 flex min-h-8 items-center gap-2">
        <h3 className="grow font-semibold">{title}</h3>
        {action}
      </div>
      {children}
    </section>
  );
}

/** What nobody sees who looks at the page: told, so that nobody is tricked by it. */
function HiddenText({ document, textId, page }: { document: DocumentRead; textId: string; page: number }) {
  const t = useTexts(documentTexts);
  const { data } = useQuery(pageQuery(document.id, page, textId));
  const shown = (data?.hidden ?? []).filter(({ why }) => why !== "aside");
  if (shown.length === 0) return null;
  return (
    <Group title={t("hidden")}>
      <p className="text-muted-foreground">{t("hiddenText", { count: shown.length })}</p>
      <ul className="mt-1.5">
        {shown.slice(0, 20).map(({ at, text, why }) => (
          <li key={`${at} ${text}`} className="border-b border-border-soft py-1.5">
            <span className="line-clamp-3 break-words">{text}</span>
            <span className="text-xs text-brass-text">{t(`why.${why}`)}</span>
          </li>
        ))}
      </ul>
    </Group>
  );
}

/** A date as exactly as the file tells it: a year, a month, a day. */
function dayWords(dated: string, locale: Locale): string {
  const day = dated.slice(0, 10);
  if (isDay(day)) return sayDay(day, { day: "numeric", month: "short", year: "numeric" }, locale);
  if (/^\d{4}-\d{2}$/.test(dated)) return sayDay(`${dated}-01`, { month: "long", year: "numeric" }, locale);
  return dated;
}
