import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ChevronRight, Ellipsis, Info, ListTree } from "lucide-react";
import { type ReactNode, useCallback, useMemo, useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { type DocumentRead, documentQuery, type Heading, textQuery } from "@/shared/documents/api";
import EvidenceViewer from "@/shared/documents/EvidenceViewer";
import { readEvidence } from "@/shared/documents/places";
import { Link, textLinkClass } from "@/shared/frame/link";
import { Screen, useInspector, useSheet, useSheetContext } from "@/shared/frame/sheet";
import { useIsPhone } from "@/shared/frame/use-media";
import { useWorkspace } from "@/shared/frame/workspace";
import { useTexts } from "@/shared/i18n/texts";
import { projectQuery } from "@/shared/projects/api";
import { Button, buttonClass, IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { Menu } from "@/shared/ui/menu";
import { Sheet } from "@/shared/ui/sheet";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { deeds, useDeed } from "./api";
import { DocumentDetails } from "./DocumentDetails";
import { deedEntries, mayEdit, useDeeds } from "./deeds";
import { failureOf, iconOf, StateWords } from "./marks";
import { documentTexts } from "./texts";

/** What stands in the address: a page, the passages to show, which of them, an older text, words to find. */
export interface DocumentSearch {
  readonly page?: number;
  readonly e?: string;
  readonly i?: number;
  readonly t?: string;
  readonly q?: string;
}

export function readDocumentSearch(raw: Record<string, unknown>): DocumentSearch {
  const whole = (value: unknown) => {
    const number = Number(value);
    return Number.isInteger(number) && number > 0 && number < 1e7 ? number : undefined;
  };
  const word = (value: unknown, pattern: RegExp) =>
    typeof value === "string" && pattern.test(value) ? value : undefined;
  const known = {
    page: whole(raw.page),
    e: word(raw.e, /^[a-z0-9.-]{1,6000}$/),
    i: whole(raw.i),
    t: word(raw.t, /^[0-9a-f-]{36}$/),
    q: typeof raw.q === "string" || typeof raw.q === "number" ? String(raw.q).slice(0, 200) || undefined : undefined,
  };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}

/** `/doc/$id`: a document in its own tab. */
export default function DocumentScreen() {
  const t = useTexts(documentTexts);
  const { id = "" }: { id?: string } = useParams({ strict: false });
  const found = useQuery(documentQuery(id));
  if (isProblem(found.error, "document.not_found") || isProblem(found.error, "http.invalid")) {
    return (
      <Screen title={t("gone")} tabTitle={t("documents")} width="form">
        <p className="mt-2 max-w-[38.5rem] text-muted-foreground">{t("goneText")}</p>
        <div className="mt-4">
          <Link to="/documents" className={buttonClass()}>
            {t("allDocuments")}
          </Link>
        </div>
      </Screen>
    );
  }
  if (!found.data) {
    return (
      <Screen title={t("documents")}>
        {found.isError ? (
          <ErrorState error={found.error} onRetry={() => void found.refetch()} />
        ) : (
          <LoadingBars rows={8} />
        )}
      </Screen>
    );
  }
  return <Standing document={found.data} key={id} />;
}

function Standing({ document }: { document: DocumentRead }) {
  const t = useTexts(documentTexts);
  const search = readDocumentSearch(useSearch({ strict: false }));
  const navigate = useNavigate();
  const isPhone = useIsPhone();
  const { pane } = useSheetContext();
  const { isOpen: hasDetails, setOpen: setDetails } = useInspector();
  const [showsOutline, setOutline] = useState(false);
  const title = document.title || document.name;
  useSheet({ title });
  const evidence = useMemo(() => readEvidence(search.e ?? ""), [search.e]);
  const [current, setCurrent] = useState({ at: Math.min(evidence.length, search.i ?? 1) - 1, of: search.e });
  const at = current.of === search.e ? Math.max(0, current.at) : 0;
  const [page, setPage] = useState(search.page ?? 1);
  const [jump, setJump] = useState<{ page: number; turn: number } | null>(null);
  const textId = search.t ?? document.text_id;
  const isOld = textId !== null && textId !== document.text_id;
  const restore = useDeed(() => deeds.restore(document.id));
  const onPage = useCallback((shown: number) => setPage(shown), []);
  const Tag = pane === "main" ? "main" : "section";
  const outline = (
    <Outline
      document={document}
      textId={textId}
      page={page}
      onChoose={(heading) => {
        setJump((last) => ({ page: heading.page, turn: (last?.turn ?? 0) + 1 }));
        if (isPhone) setOutline(false);
      }}
    />
  );
  const hasText = textId !== null;
  return (
    <Tag
      id={pane === "main" ? "main" : undefined}
      aria-label={pane === "main" ? undefined : title}
      tabIndex={-1}
      className="@container flex min-h-0 min-w-0 grow flex-col outline-none"
    >
      <Head
        document={document}
        actions={
          <>
            {hasText ? (
              <IconButton
                icon={ListTree}
                label={t("outline")}
                on={showsOutline}
                aria-expanded={showsOutline}
                onClick={() => setOutline(!showsOutline)}
              />
            ) : null}
            <IconButton
              icon={Info}
              label={t("details")}
              on={hasDetails}
              aria-expanded={hasDetails}
              onClick={() => setDetails(!hasDetails)}
            />
          </>
        }
      />
      {document.trashed_at ? (
        <Notice
          className="mx-4 mb-3 flex-none"
          action={
            mayEdit(document) ? (
              <Button size="sm" busy={restore.isPending} onClick={() => restore.mutate()}>
                {t("restore")}
              </Button>
            ) : null
          }
        >
          {t("inTrash")}
        </Notice>
      ) : null}
      {document.state === "failed" && document.problem ? (
        <Notice tone="brick" className="mx-4 mb-3 flex-none" action={<Retry document={document} />}>
          {failureOf(document.problem)}
        </Notice>
      ) : null}
      {isOld ? (
        <Notice
          tone="brass"
          className="mx-4 mb-3 flex-none"
          action={
            <Link to={`/doc/${document.id}`} className={textLinkClass}>
              {t("toNow")}
            </Link>
          }
        >
          {t("versionOld")}
        </Notice>
      ) : null}
      <div className="flex min-h-0 min-w-0 grow border-t border-border">
        {showsOutline && !isPhone ? (
          <aside className="scroll w-60 flex-none border-r border-border px-2.5 py-3 @max-2xl:hidden">{outline}</aside>
        ) : null}
        <EvidenceViewer
          document={document}
          textId={textId}
          evidence={evidence}
          current={at}
          onCurrent={(index) => {
            setCurrent({ at: index, of: search.e });
            void navigate({
              to: ".",
              search: { ...search, i: index + 1 } as never,
              replace: true,
            });
          }}
          page={search.page}
          jump={jump}
          onPage={onPage}
          find={search.q}
        />
      </div>
      {isPhone ? (
        <Sheet open={showsOutline} onOpenChange={setOutline} title={t("outline")}>
          <div className="px-4 pb-6">{outline}</div>
        </Sheet>
      ) : null}
      <DocumentDetails document={document} textId={textId} page={page} />
    </Tag>
  );
}

function Head({ document, actions }: { document: DocumentRead; actions: ReactNode }) {
  const t = useTexts(documentTexts);
  const workspace = useWorkspace();
  const { data: project } = useQuery(projectQuery(document.project_id));
  const back = `/p/${document.project_id}/documents`;
  const { run, dialog } = useDeeds({ onTrashed: () => workspace.open(back) });
  const { name } = document;
  return (
    <header className="flex h-12 flex-none items-center gap-x-2 px-5 max-md:px-4">
      {project ? (
        <>
          <Link
            to={back}
            className="max-w-52 truncate rounded-xs text-muted-foreground underline-offset-4 hover:text-foreground hover:underline max-md:hidden"
          >
            {project.name}
          </Link>
          <Icon icon={ChevronRight} size={14} className="text-faint max-md:hidden" />
        </>
      ) : null}
      <Icon icon={iconOf(document.kind)} className="text-faint" />
      <h1 className="min-w-0 truncate font-semibold" title={name}>
        {document.title || name}
      </h1>
      <span className="ml-2 min-w-0 shrink-[9]">
        <StateWords document={document} />
      </span>
      <span className="grow" />
      {actions}
      <Menu
        trigger={<IconButton icon={Ellipsis} label={t("moreFor", { name })} />}
        entries={deedEntries(document, t, (deed) => run(deed, [document]), { isOpen: true })}
      />
      {dialog}
    </header>
  );
}

function Retry({ document }: { document: DocumentRead }) {
  const t = useTexts(documentTexts);
  const retry = useDeed(() => deeds.retry(document.id));
  if (!mayEdit(document)) return null;
  return (
    <Button size="sm" busy={retry.isPending} onClick={() => retry.mutate()}>
      {t("retry")}
    </Button>
  );
}

/** The headings of the text; the one that one reads is marked. */
function Outline({
  document,
  textId,
  page,
  onChoose,
}: {
  document: DocumentRead;
  textId: string | null;
  page: number;
  onChoose: (heading: Heading) => void;
}) {
  const t = useTexts(documentTexts);
  const { data } = useQuery({ ...textQuery(document.id, textId), enabled: textId !== null });
  const headings = data?.headings ?? [];
  if (!data) return <LoadingBars rows={6} />;
  if (headings.length === 0) return <p className="px-2 text-muted-foreground">{t("noOutline")}</p>;
  const top = Math.min(...headings.map(({ level }) => level));
  const here = headings.findLastIndex((heading) => heading.page <= page);
  return (
    <nav aria-label={t("outline")}>
      {headings.map((heading, index) => (
        <button
          key={heading.start}
          type="button"
          aria-current={index === here ? "location" : undefined}
          onClick={() => onChoose(heading)}
          title={heading.text}
          className={cx(
            "flex min-h-[1.875rem] w-full items-baseline gap-2 rounded-sm px-2 py-1 text-left pointer-coarse:min-h-11",
            index === here ? "bg-selected font-medium" : "hover:bg-hover",
          )}
          style={{ paddingLeft: `${0.5 + Math.min(4, heading.level - top) * 0.75}rem` }}
        >
          <span className="line-clamp-2 min-w-0 grow">{heading.text}</span>
          {document.kind === "pdf" ? <span className="num text-2xs text-faint">{heading.page}</span> : null}
        </button>
      ))}
    </nav>
  );
}
