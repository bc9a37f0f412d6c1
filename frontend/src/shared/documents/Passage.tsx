import type { ReactNode } from "react";
import { useTexts } from "../i18n/texts";
import { cx } from "../ui/cx";
import type { Block, PageText } from "./api";
import { Characters, type Evidence, overlaps, type Range } from "./places";
import { viewerTexts } from "./texts";
import "./viewer.css";

export interface TextMark extends Range {
  readonly look: "current" | "further";
  /** A passage that something rests on has a line in the margin; a word that was searched for has none. */
  readonly isLed?: boolean;
}

/** Cuts a stretch of text where marks begin and end; where two lie over each other, the current one wins. */
export function cutMarks(
  start: number,
  end: number,
  marks: readonly TextMark[],
): (Range & { look?: TextMark["look"] })[] {
  const inside = marks.filter((mark) => overlaps(mark, { start, end }));
  const edges = new Set([start, end]);
  for (const mark of inside) {
    edges.add(Math.max(start, mark.start));
    edges.add(Math.min(end, mark.end));
  }
  const cuts = [...edges].toSorted((a, b) => a - b);
  return cuts.slice(0, -1).map((from, index) => {
    const to = cuts[index + 1] as number;
    const over = inside.filter((mark) => overlaps(mark, { start: from, end: to }));
    const look = over.some((mark) => mark.look === "current") ? "current" : over[0]?.look;
    return { start: from, end: to, look };
  });
}

/** Text of a page with its marks; `text` begins at the page's first character. */
function Pieces({
  text,
  offset,
  range,
  marks,
}: {
  text: Characters;
  offset: number;
  range: Range;
  marks: readonly TextMark[];
}) {
  return cutMarks(range.start, range.end, marks).map((piece) => {
    const words = text.slice(piece.start - offset, piece.end - offset);
    return piece.look ? (
      <mark key={piece.start} data-look={piece.look}>
        {words}
      </mark>
    ) : (
      words
    );
  });
}

/** How many characters of a block only say what it is, as Markdown writes headings and points. */
function signOf(block: Block, start: string): number {
  const sign = block.kind === "heading" ? /^#{1,6}\s+/ : block.kind === "item" ? /^\s*[-*+]\s+/ : null;
  return sign?.exec(start)?.[0].length || 0;
}

const headingSizes = ["text-xl", "text-lg", "text-md"] as const;

/** The blocks of a page, as a reader's page shows them. `within` leaves only those around a passage. */
export function PageBlocks({
  page,
  marks,
  within,
  size = "page",
}: {
  page: PageText;
  marks: readonly TextMark[];
  within?: Range;
  size?: "page" | "large";
}) {
  const text = new Characters(page.text);
  const shown = within ? around(page.blocks, within) : page.blocks;
  return shown.map((block): ReactNode => {
    const key = `${block.start}`;
    const words = (range: Range) => <Pieces text={text} offset={page.start} range={range} marks={marks} />;
    const isCurrent = marks.some((mark) => mark.isLed && mark.look === "current" && overlaps(mark, block));
    const table = page.tables.find((candidate) => overlaps(candidate, block));
    if (block.kind === "table" && table) {
      if (shown.find((other) => overlaps(other, table)) !== block) return null;
      return (
        <div key={key} className="my-3 overflow-x-auto">
          <table className="border-collapse text-[0.9em] leading-snug">
            <tbody>
              {table.rows.map((cells) => (
                <tr key={cells[0]?.start} className="border-b border-black/15 align-top">
                  {cells.map((cell) => (
                    <td key={cell.start} className="py-1 pr-4 last:pr-0">
                      {words(cell)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    }
    const sign = signOf(
      block,
      text.slice(block.start - page.start, Math.min(block.end, block.start + 12) - page.start),
    );
    const Tag = block.kind === "heading" ? "h2" : block.kind === "code" ? "pre" : "p";
    return (
      <Tag
        key={key}
        className={cx(
          "relative reading whitespace-pre-line",
          block.kind === "heading"
            ? cx("mt-4 mb-1.5 font-semibold first:mt-0", headingSizes[Math.min(2, Math.max(0, block.level - 1))])
            : "mb-2.5",
          block.kind !== "heading" && (size === "large" ? "text-lg/[1.6rem]" : "text-base"),
          block.kind === "code" && "overflow-x-auto font-mono text-xs whitespace-pre",
          block.kind === "item" && "pl-4",
          (block.kind === "note" || block.kind === "header" || block.kind === "footer") && "text-xs opacity-75",
        )}
        style={block.kind === "item" && block.level > 1 ? { paddingLeft: `${block.level}rem` } : undefined}
      >
        {isCurrent ? <span aria-hidden="true" className="paper-line inset-y-1 -left-3" /> : null}
        {sign > 0 && block.kind === "item" ? "• " : null}
        {words({ start: block.start + sign, end: block.end })}
      </Tag>
    );
  });
}

const AROUND = 3;

/** The block that holds the passage, some before it and some after it: back to the heading that it stands under. */
export function around<Block extends Range & { kind: string }>(
  blocks: readonly Block[],
  range: Range,
): readonly Block[] {
  const first = blocks.findIndex((block) => overlaps(block, range));
  if (first < 0) return blocks.slice(0, 2 * AROUND);
  const last = blocks.findLastIndex((block) => overlaps(block, range));
  const heading = blocks.slice(0, first).findLastIndex((block) => block.kind === "heading");
  const from = heading >= first - AROUND && heading >= 0 ? heading : Math.max(0, first - 1);
  return blocks.slice(from, last + AROUND);
}

/** A passage set large on paper, for small screens, previews, and pages that cannot be marked. */
export function PassageCard({
  page,
  evidence,
  further = [],
  strong,
  size = "large",
  className,
}: {
  page: PageText;
  evidence: Evidence | Range;
  further?: readonly Range[];
  /** Words within the passage that stand out of it, where the passage as a whole is only the neighbourhood. */
  strong?: readonly Range[];
  size?: "page" | "large";
  className?: string;
}) {
  const t = useTexts(viewerTexts);
  const mark =
    (look: TextMark["look"]) =>
    ({ start, end }: Range) => ({ start, end, look });
  const marks: TextMark[] = [
    { ...mark(strong?.length ? "further" : "current")(evidence), isLed: true },
    ...(strong ?? []).map(mark("current")),
    ...further.map(mark("further")),
  ];
  return (
    <div className={cx("paper-text px-6 py-5 shadow-page", className)}>
      {page.text.trim() === "" ? (
        <p className="text-base opacity-75">{t("noText")}</p>
      ) : (
        <PageBlocks page={page} marks={marks} within={evidence} size={size} />
      )}
    </div>
  );
}
