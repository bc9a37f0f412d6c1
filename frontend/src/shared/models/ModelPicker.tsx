import { Check, CircleX, Columns2, KeyRound, Pin, Search, Star, Tags, TriangleAlert } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { useIsNarrow, useMedia } from "../frame/use-media";
import { formatNumber } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { useTexts } from "../i18n/texts";
import { useAction } from "../keys/use-keys";
import { cx } from "../ui/cx";
import { Icon } from "../ui/icons";
import { ModelTile, Ring } from "../ui/marks";
import { Notice } from "../ui/states";
import { useVirtualRows } from "../ui/virtual-rows";
import type { ModelInfo, Preferred } from "./api";
import { type Question, useCounts } from "./counts";
import { LocalMark, priceText, type Row, type T } from "./facts";
import { type Filter, filters, findModels, LONG_TOKENS } from "./filters";
import { fitOf, isUsable, type Need, type Way } from "./fit";
import { MOST_COMPARED, ModelCompare } from "./ModelCompare";
import { ModelPreview } from "./ModelPreview";
import { tileCode } from "./price";
import { modelsTexts } from "./texts";

export interface ModelPickerProps {
  readonly models: readonly ModelInfo[];
  /** What the next answer has to carry. Without it nothing is being written, and models are told by their rates. */
  readonly need?: Need | null;
  /** What would be sent, for the server to count; without it the need is taken at its word. */
  readonly question?: Question | null;
  /** The id of the model in use. */
  readonly value: string | null;
  readonly onChoose: (model: ModelInfo, way: Way | null) => void;
  readonly favourites?: readonly string[];
  /** Without it favourites are shown and cannot be changed. */
  readonly onFavourite?: (id: string, isFavourite: boolean) => void;
  /** What this person has set to answer when no model is named. */
  readonly preferred?: Preferred | null;
}

const canChoose = ({ model, fit }: Row) => isUsable(model) && (!fit || fit.over === 0 || fit.ways.length > 0);
/** Those that write. One that only makes vectors is never asked a question. */
const writes = ({ gives }: ModelInfo) => gives.includes("text");

/**
 * The list of models with what the next answer costs in each, and beside it what a switch would mean, or a few of them
 * side by side.
 */
export function ModelPicker({
  models,
  need = null,
  question = null,
  value,
  onChoose,
  favourites = [],
  onFavourite,
  preferred = null,
}: ModelPickerProps) {
  const t = useTexts(modelsTexts);
  const id = useId();
  const isNarrow = useIsNarrow();
  const isCoarse = useMedia("(pointer: coarse)");
  const [query, setQuery] = useState("");
  const [wanted, setWanted] = useState<ReadonlySet<Filter>>(new Set());
  const [pointed, setPointed] = useState<string | null>(value);
  const [wayKind, setWayKind] = useState<Way["kind"] | null>(null);
  const [compared, setCompared] = useState<readonly string[] | null>(null);
  // A row that is marked stays where it is until the list is opened again.
  const [first] = useState(() => new Set(favourites));
  const list = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const writing = useMemo(() => models.filter(writes), [models]);
  const found = useMemo(() => findModels(writing, query, wanted, first), [writing, query, wanted, first]);
  const rows = useVirtualRows({ count: found.length, rem: isCoarse ? 2.75 : 2.375, scroller: () => list.current });

  const active = found.find((model) => model.id === pointed) ?? found[0];
  const beside = (compared ?? []).flatMap((each) => writing.find((model) => model.id === each) ?? []);
  const inSight = rows.items.flatMap(({ index }) => found[index] ?? []);
  const counts = useCounts(
    need && question,
    [...new Set([...(active ? [active] : []), ...beside, ...inSight])].filter(isUsable).map((model) => model.id),
  );
  const rowOf = (model: ModelInfo): Row => ({ model, fit: need && fitOf(model, need, counts.get(model.id)) });
  const activeRow = active && rowOf(active);
  const ways = activeRow?.fit?.ways ?? [];
  const way = ways.find(({ kind }) => kind === wayKind) ?? ways[0] ?? null;

  const here = active ? found.indexOf(active) : -1;
  const { show } = rows;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the row is brought into sight when it changes, not on scrolling
  useEffect(() => {
    if (here >= 0) show(here);
  }, [here]);

  // It may come after the popover that holds it. On a phone the keyboard would cover half of the list.
  useEffect(() => {
    if (!isCoarse) search.current?.focus({ preventScroll: true });
  }, [isCoarse]);

  const choose = (row: Row) =>
    canChoose(row) && onChoose(row.model, row.model === active ? way : (row.fit?.ways[0] ?? null));
  const toggle = (model: ModelInfo) =>
    setCompared((before) => {
      if (before === null) return before;
      if (before.includes(model.id)) return before.filter((each) => each !== model.id);
      return before.length < MOST_COMPARED ? [...before, model.id] : before;
    });
  const star = (model: ModelInfo) => onFavourite?.(model.id, !favourites.includes(model.id));
  useAction("models.favourite", () => active && star(active), { enabled: onFavourite !== undefined });

  const onKeyDown = (event: KeyboardEvent) => {
    const targets: Record<string, number> = {
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      PageDown: here + 6,
      PageUp: here - 6,
    };
    const target = targets[event.key];
    if (target !== undefined) {
      const next = found[Math.min(found.length - 1, Math.max(0, target))];
      if (next) setPointed(next.id);
    } else if (event.key === "Enter" && active && activeRow) {
      if (compared) toggle(active);
      else choose(activeRow);
    } else return;
    event.preventDefault();
  };

  return (
    <div
      className={cx(
        "flex min-h-0",
        isNarrow ? "flex-col" : "h-[27rem] max-w-[calc(100vw-1rem)]",
        !isNarrow && (compared ? "w-[62rem]" : "w-[38.75rem]"),
      )}
    >
      <div
        className={cx(
          "flex min-h-0 flex-none flex-col border-border-soft",
          isNarrow ? "border-b" : "w-[20.875rem] border-r",
        )}
      >
        <div className="flex h-11 flex-none items-center gap-2 px-4">
          <Icon icon={Search} size={15} className="text-faint" />
          <input
            ref={search}
            role="combobox"
            aria-label={t("search")}
            aria-expanded="true"
            aria-controls={`${id}-list`}
            aria-activedescendant={active ? `${id}-${active.id}` : undefined}
            placeholder={t("search")}
            value={query}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={onKeyDown}
            className="h-full min-w-0 grow bg-transparent outline-none pointer-coarse:text-[1rem]"
          />
        </div>
        <FilterRow t={t} wanted={wanted} onChange={setWanted} />
        <div className="cap px-4 pb-1">{compared ? t("compareHow") : need ? t("forNext") : t("perMillion")}</div>
        <div
          ref={list}
          role="listbox"
          id={`${id}-list`}
          aria-label={t("list")}
          aria-multiselectable={compared ? true : undefined}
          className={cx("min-h-24 grow overflow-y-auto px-1.5 pb-1", isNarrow && "max-h-64")}
        >
          <div style={{ height: rows.above }} role="presentation" />
          {inSight.map((model, index) => (
            <ModelRow
              key={model.id}
              id={`${id}-${model.id}`}
              row={rowOf(model)}
              place={(rows.items[index]?.index ?? 0) + 1}
              of={found.length}
              t={t}
              isActive={model === active}
              isCurrent={model.id === value}
              isPreferred={model.id === preferred?.model_id}
              isFavourite={favourites.includes(model.id)}
              isCompared={compared?.includes(model.id) ?? null}
              onStar={onFavourite && (() => star(model))}
              onPoint={() => {
                setPointed(model.id);
                toggle(model);
              }}
              onChoose={() => (compared ? undefined : choose(rowOf(model)))}
            />
          ))}
          <div style={{ height: rows.below }} role="presentation" />
        </div>
        {found.length === 0 ? (
          <p role="status" className="grow px-4 pb-3 text-muted-foreground">
            {writing.length === 0 ? t("noneAtAll") : wanted.size > 0 ? t("noneFiltered") : t("none", { query })}
          </p>
        ) : null}
        <div className="flex h-9 flex-none items-center gap-2 border-t border-border-soft px-2 text-xs text-muted-foreground">
          <button
            type="button"
            aria-pressed={compared !== null}
            onClick={() => setCompared(compared ? null : active ? [active.id] : [])}
            className={cx(
              "touch flex h-6 items-center gap-2 rounded-sm px-2 font-medium hover:bg-hover hover:text-foreground",
              compared && "bg-selected text-foreground",
            )}
          >
            <Icon icon={Columns2} size={14} />
            {t("compare")}
          </button>
          <span className="num ml-auto pr-2" aria-live="polite">
            {found.length === writing.length
              ? t("count", { count: writing.length })
              : t("countOf", { found: found.length, count: writing.length })}
          </span>
        </div>
      </div>
      <div className={cx("flex min-w-0 grow flex-col p-4", !isNarrow && "overflow-y-auto")}>
        {preferred && !preferred.is_usable ? (
          <Notice tone="brass" className="mb-3">
            {preferred.label ? t("preferredGone", { name: preferred.label }) : t("preferredGoneUnnamed")}
          </Notice>
        ) : null}
        {compared ? (
          <ModelCompare
            rows={beside.map(rowOf)}
            t={t}
            value={value}
            canChoose={canChoose}
            onChoose={choose}
            onRemove={(gone) => setCompared(compared.filter((each) => each !== gone))}
          />
        ) : activeRow ? (
          <ModelPreview
            row={activeRow}
            count={counts.get(activeRow.model.id)}
            t={t}
            isCurrent={activeRow.model.id === value}
            isPreferred={activeRow.model.id === preferred?.model_id}
            isSwitch={value !== null}
            canChoose={canChoose(activeRow)}
            way={way}
            onWay={setWayKind}
            onChoose={() => choose(activeRow)}
            isFavourite={favourites.includes(activeRow.model.id)}
            onFavourite={onFavourite && (() => star(activeRow.model))}
          />
        ) : null}
      </div>
    </div>
  );
}

function FilterRow({
  t,
  wanted,
  onChange,
}: {
  t: T;
  wanted: ReadonlySet<Filter>;
  onChange: (wanted: ReadonlySet<Filter>) => void;
}) {
  const locale = useLocale();
  const flip = (filter: Filter) => {
    const next = new Set(wanted);
    if (!next.delete(filter)) next.add(filter);
    onChange(next);
  };
  return (
    <fieldset aria-label={t("filters")} className="flex flex-none flex-wrap gap-0.5 px-2.5 pb-2">
      {filters.map((filter) => (
        <button
          key={filter}
          type="button"
          aria-pressed={wanted.has(filter)}
          title={
            filter === "long" ? t("filter.longTitle", { count: formatNumber(LONG_TOKENS, {}, locale) }) : undefined
          }
          onClick={() => flip(filter)}
          className={cx(
            "touch h-6 rounded-sm px-1.5 text-xs whitespace-nowrap transition-colors duration-[120ms] pointer-coarse:h-8",
            wanted.has(filter)
              ? "bg-selected font-medium"
              : "text-muted-foreground hover:bg-hover hover:text-foreground",
          )}
        >
          {t(`filter.${filter}`)}
        </button>
      ))}
    </fieldset>
  );
}

function ModelRow({
  id,
  row,
  place,
  of,
  t,
  isActive,
  isCurrent,
  isPreferred,
  isFavourite,
  isCompared,
  onStar,
  onPoint,
  onChoose,
}: {
  id: string;
  row: Row;
  place: number;
  of: number;
  t: T;
  isActive: boolean;
  isCurrent: boolean;
  isPreferred: boolean;
  isFavourite: boolean;
  /** null while nothing is compared. */
  isCompared: boolean | null;
  onStar: (() => void) | undefined;
  onPoint: () => void;
  onChoose: () => void;
}) {
  const { model } = row;
  const locale = useLocale();
  const usable = isUsable(model);
  return (
    // The keyboard is in the search field and names the row that is meant.
    // biome-ignore lint/a11y/useFocusableInteractive: the options of a combobox are reached by aria-activedescendant
    // biome-ignore lint/a11y/useKeyWithClickEvents: the search field has the keys
    <div
      id={id}
      role="option"
      aria-selected={isCompared ?? isActive}
      aria-setsize={of}
      aria-posinset={place}
      aria-disabled={(!usable && isCompared === null) || undefined}
      onClick={isActive && isCompared === null ? onChoose : onPoint}
      onDoubleClick={onChoose}
      className={cx(
        "group flex h-[2.375rem] cursor-default items-center gap-2.5 rounded-md px-2.5 pointer-coarse:h-11",
        isActive ? "bg-selected" : "hover:bg-hover",
        !usable && "text-muted-foreground",
      )}
    >
      {isCompared === null ? null : (
        <span
          aria-hidden="true"
          className={cx(
            "grid size-4 flex-none place-items-center rounded-xs border-[1.5px]",
            isCompared ? "border-primary bg-primary text-primary-foreground" : "border-border-strong bg-raised",
          )}
        >
          {isCompared ? <Icon icon={Check} size={12} strokeWidth={3} /> : null}
        </span>
      )}
      <ModelTile code={tileCode(model.label)} size={22} />
      <span className={cx("truncate", isCurrent ? "font-semibold" : "font-medium")} title={model.label}>
        {model.label}
      </span>
      {model.provider.is_local ? <LocalMark t={t} /> : null}
      {model.is_own_key ? (
        <Icon icon={KeyRound} size={13} aria-label={t("ownKey")} className="text-muted-foreground" />
      ) : null}
      {isCurrent ? (
        <Icon icon={Check} size={15} strokeWidth={2.4} aria-label={t("current")} className="text-primary-text" />
      ) : null}
      {isPreferred ? <Icon icon={Pin} size={13} aria-label={t("preferred")} className="text-muted-foreground" /> : null}
      <span className="grow" />
      <span className={cx("num text-xs whitespace-nowrap", stateInk(model, isActive))}>
        {usable ? priceText(row, t, locale) : t(`state.${model.state}` as "state.down")}
      </span>
      {row.fit || !usable ? (
        <span className="flex w-[1.125rem] flex-none justify-end">
          <FitMark row={row} t={t} />
        </span>
      ) : null}
      {isFavourite || onStar ? (
        // For the pointer only: the key and the preview's button do the same for everybody else.
        // biome-ignore lint/a11y/noStaticElementInteractions: an option holds nothing that can be focused
        // biome-ignore lint/a11y/useKeyWithClickEvents: the search field has the keys
        <span
          title={onStar && t(isFavourite ? "unstar" : "star", { name: model.label })}
          onClick={(event) => {
            event.stopPropagation();
            onStar?.();
          }}
          className={cx(
            "touch -mr-1 -ml-1.5 grid size-6 flex-none place-items-center rounded-sm",
            onStar && "hover:text-foreground",
            isFavourite
              ? "text-muted-foreground"
              : "text-faint opacity-0 group-hover:opacity-100 pointer-coarse:opacity-100",
          )}
        >
          <Icon
            icon={Star}
            size={14}
            aria-label={isFavourite ? t("favourite") : undefined}
            className={isFavourite ? "fill-current" : undefined}
          />
        </span>
      ) : null}
    </div>
  );
}

function stateInk(model: ModelInfo, isActive: boolean): string {
  if (model.state === "down") return "text-brick-text";
  if (model.state === "unpriced" || model.state === "no_key") return "text-brass-text";
  return isActive ? "text-foreground" : "text-muted-foreground";
}

function FitMark({ row: { model, fit }, t }: { row: Row; t: T }) {
  if (model.state === "down") return <Icon icon={CircleX} size={14} className="text-brick-text" />;
  if (model.state === "no_key") return <Icon icon={KeyRound} size={14} className="text-brass-text" />;
  if (model.state === "unpriced") return <Icon icon={Tags} size={14} className="text-brass-text" />;
  if (!fit || fit.room === null) return null;
  if (fit.over > 0) {
    return <Icon icon={TriangleAlert} size={14} aria-label={t("tooLong")} className="text-brass-text" />;
  }
  return <Ring share={fit.share} size={14} />;
}
