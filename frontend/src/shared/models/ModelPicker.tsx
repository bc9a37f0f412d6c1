import { Check, CircleX, House, KeyRound, Search, Tags, TriangleAlert } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { formatDate, formatList, formatMoney, formatNumber } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { type Say, useTexts } from "../i18n/texts";
import { Button } from "../ui/button";
import { RadioGroup } from "../ui/choice";
import { cx } from "../ui/cx";
import { Icon } from "../ui/icons";
import { ModelTile, Ring } from "../ui/marks";
import type { ModelInfo, TokenCount } from "./api";
import { type Fit, fitOf, isUsable, type Need, type Way } from "./fit";
import { formatRate, tileCode } from "./price";
import { modelsTexts } from "./texts";

type T = Say<(typeof modelsTexts)["en"]>;

interface Row {
  readonly model: ModelInfo;
  readonly fit: Fit | null;
}

/**
 * The list of models with what the next answer costs in each, and beside it what a switch would mean. Without a `need`
 * nothing is being written, and models are told by their prices per million.
 */
export function ModelPicker({
  models,
  need = null,
  counts,
  value,
  onChoose,
}: {
  models: readonly ModelInfo[];
  need?: Need | null;
  /** By name, where the server has counted. */
  counts?: ReadonlyMap<string, TokenCount>;
  /** The id of the model in use. */
  value: string | null;
  onChoose: (model: ModelInfo, way: Way | null) => void;
}) {
  const t = useTexts(modelsTexts);
  const id = useId();
  const [query, setQuery] = useState("");
  const [wanted, setWanted] = useState<string | null>(value);
  const [wayKind, setWayKind] = useState<Way["kind"] | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const rows = useMemo(
    () => models.map((model) => ({ model, fit: need && fitOf(model, need, counts?.get(model.name)) })),
    [models, need, counts],
  );
  const found = findModels(rows, query);
  const active = found.find(({ model }) => model.id === wanted) ?? found[0];
  const activeId = active?.model.id;
  const ways = active?.fit?.ways ?? [];
  const way = ways.find(({ kind }) => kind === wayKind) ?? ways[0] ?? null;

  useEffect(() => {
    if (activeId) list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [activeId]);

  const goTo = (index: number) => {
    const next = found[Math.min(found.length - 1, Math.max(0, index))];
    if (next) setWanted(next.model.id);
  };
  const choose = () => active && canChoose(active) && onChoose(active.model, way);
  const onKeyDown = (event: KeyboardEvent) => {
    const here = active ? found.indexOf(active) : -1;
    const targets: Record<string, number> = {
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      PageDown: here + 6,
      PageUp: here - 6,
    };
    const target = targets[event.key];
    if (target !== undefined) goTo(target);
    else if (event.key === "Enter") choose();
    else return;
    event.preventDefault();
  };

  return (
    <div className="flex min-h-0 flex-col md:h-[22.625rem] md:flex-row">
      <div className="flex min-h-0 flex-none flex-col border-border-soft max-md:border-b md:w-[20.875rem] md:border-r">
        <div className="flex h-11 flex-none items-center gap-2 px-4">
          <Icon icon={Search} size={15} className="text-faint" />
          <input
            role="combobox"
            aria-label={t("search")}
            aria-expanded="true"
            aria-controls={`${id}-list`}
            aria-activedescendant={activeId ? `${id}-${activeId}` : undefined}
            placeholder={t("search")}
            value={query}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={onKeyDown}
            className="h-full min-w-0 grow bg-transparent outline-none pointer-coarse:text-[1rem]"
          />
        </div>
        <div className="cap px-4 pb-1">{need ? t("forNext") : t("perMillion")}</div>
        <div
          ref={list}
          role="listbox"
          id={`${id}-list`}
          aria-label={t("list")}
          className="min-h-24 grow overflow-y-auto px-1.5 pb-1 max-md:max-h-64"
        >
          {found.map((row) => (
            <ModelRow
              key={row.model.id}
              id={`${id}-${row.model.id}`}
              row={row}
              t={t}
              isActive={row === active}
              isCurrent={row.model.id === value}
              onPoint={() => setWanted(row.model.id)}
              onChoose={() => canChoose(row) && onChoose(row.model, row === active ? way : (row.fit?.ways[0] ?? null))}
            />
          ))}
        </div>
        {found.length === 0 ? (
          <p role="status" className="grow px-4 pb-3 text-muted-foreground">
            {models.length === 0 ? t("noneAtAll") : t("none", { query })}
          </p>
        ) : null}
        <div className="num flex h-9 flex-none items-center justify-end border-t border-border-soft px-4 text-xs text-muted-foreground">
          {t("count", { count: models.length })}
        </div>
      </div>
      <div className="flex min-w-0 grow flex-col p-4 md:overflow-y-auto">
        {active ? (
          <Preview
            row={active}
            t={t}
            isCurrent={activeId === value}
            way={way}
            onWay={setWayKind}
            onChoose={choose}
            isSwitch={value !== null}
          />
        ) : null}
      </div>
    </div>
  );
}

/** Every word counts; what cannot be used stands last. */
function findModels(rows: readonly Row[], query: string): readonly Row[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter(({ model }) => {
    const text = [model.label, model.name, model.provider.label, ...model.aliases].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return found.toSorted((a, b) => Number(isUsable(b.model)) - Number(isUsable(a.model)));
}

function canChoose({ model, fit }: Row): boolean {
  return isUsable(model) && (!fit || fit.over === 0 || fit.ways.length > 0);
}

function ModelRow({
  id,
  row: { model, fit },
  t,
  isActive,
  isCurrent,
  onPoint,
  onChoose,
}: {
  id: string;
  row: Row;
  t: T;
  isActive: boolean;
  isCurrent: boolean;
  onPoint: () => void;
  onChoose: () => void;
}) {
  const usable = isUsable(model);
  return (
    // The keyboard is in the search field and names the row that is meant.
    // biome-ignore lint/a11y/useFocusableInteractive: the options of a combobox are reached by aria-activedescendant
    // biome-ignore lint/a11y/useKeyWithClickEvents: the search field has the keys
    <div
      id={id}
      role="option"
      aria-selected={isActive}
      aria-disabled={!usable || undefined}
      onClick={isActive ? onChoose : onPoint}
      onDoubleClick={onChoose}
      className={cx(
        "flex min-h-[2.375rem] cursor-default items-center gap-2.5 rounded-md px-2.5 pointer-coarse:min-h-11",
        isActive ? "bg-selected" : "hover:bg-hover",
        !usable && "text-muted-foreground",
      )}
    >
      <ModelTile code={tileCode(model.label)} size={22} />
      <span className={cx("truncate", isCurrent ? "font-semibold" : "font-medium")}>{model.label}</span>
      {model.provider.is_local ? (
        <Icon icon={House} size={13} aria-label={t("local")} className="text-muted-foreground" />
      ) : null}
      {model.is_own_key ? (
        <Icon icon={KeyRound} size={13} aria-label={t("ownKey")} className="text-muted-foreground" />
      ) : null}
      {isCurrent ? (
        <Icon icon={Check} size={15} strokeWidth={2.4} aria-label={t("current")} className="text-primary-text" />
      ) : null}
      <span className="grow" />
      <span className={cx("num text-xs whitespace-nowrap", stateInk(model, isActive))}>
        {usable ? <RowPrice model={model} fit={fit} t={t} /> : t(`state.${model.state}` as "state.down")}
      </span>
      <span className="flex w-[1.125rem] flex-none justify-end">
        <FitMark model={model} fit={fit} t={t} />
      </span>
    </div>
  );
}

function stateInk(model: ModelInfo, isActive: boolean): string {
  if (model.state === "down") return "text-brick-text";
  if (model.state === "unpriced" || model.state === "no_key") return "text-brass-text";
  return isActive ? "text-foreground" : "text-muted-foreground";
}

function RowPrice({ model, fit, t }: Row & { t: T }) {
  const locale = useLocale();
  const { price } = model;
  if (fit) {
    if (fit.nano === null || fit.currency === null) return t("unknown");
    if (fit.nano === 0) return t("free");
    return t("upTo", { amount: formatMoney(fit.nano, fit.currency, { rounding: "up" }, locale) });
  }
  if (price?.is_free) return t("free");
  return price?.input ? formatRate(price.input, price.currency, locale) : t("unknown");
}

function FitMark({ model, fit, t }: Row & { t: T }) {
  if (model.state === "down") return <Icon icon={CircleX} size={14} className="text-brick-text" />;
  if (model.state === "no_key") return <Icon icon={KeyRound} size={14} className="text-brass-text" />;
  if (model.state === "unpriced") return <Icon icon={Tags} size={14} className="text-brass-text" />;
  if (!fit || fit.room === null) return null;
  if (fit.over > 0) {
    return <Icon icon={TriangleAlert} size={14} aria-label={t("tooLong")} className="text-brass-text" />;
  }
  return <Ring share={fit.share} size={14} />;
}

function Preview({
  row,
  t,
  isCurrent,
  isSwitch,
  way,
  onWay,
  onChoose,
}: {
  row: Row;
  t: T;
  isCurrent: boolean;
  isSwitch: boolean;
  way: Way | null;
  onWay: (kind: Way["kind"]) => void;
  onChoose: () => void;
}) {
  const { model, fit } = row;
  const locale = useLocale();
  const missing = fit?.missing.map((kind) => missingText(kind, t)) ?? [];
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-2">
        <h3 className="grow text-md font-semibold">{model.label}</h3>
        <span className="flex items-center gap-1.5 text-xs text-muted-foreground">
          {model.provider.is_local ? (
            <>
              <Icon icon={House} size={13} />
              {t("stays")}
            </>
          ) : (
            model.provider.label
          )}
        </span>
      </div>
      {model.state === "ok" ? null : (
        <p className={cx("mt-2", model.state === "down" ? "text-brick-text" : "text-brass-text")}>
          {t(`why.${model.state}` as "why.no_key", { provider: model.provider.label })}
        </p>
      )}
      {model.deprecated_on ? (
        <p className="mt-2 text-brass-text">
          {t("deprecated", { date: formatDate(`${model.deprecated_on.slice(0, 10)}T12:00:00Z`, locale) })}
        </p>
      ) : null}
      {fit ? <Room fit={fit} t={t} /> : <ModelFacts model={model} t={t} />}
      {fit && fit.ways.length > 0 ? (
        <div className="mt-3 border-t border-border-soft pt-3">
          <RadioGroup
            label={t("ways")}
            value={way?.kind ?? null}
            onChange={onWay}
            options={fit.ways.map((each) =>
              wayOption(each, fit, t, (nano, currency) => formatMoney(nano, currency, { rounding: "up" }, locale)),
            )}
          />
        </div>
      ) : null}
      {fit && fit.over > 0 && fit.ways.length === 0 ? (
        <p className="mt-3 text-muted-foreground">{t("fitsNot")}</p>
      ) : null}
      <span className="min-h-4 grow" />
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Button variant="primary" disabled={!canChoose(row) || (isCurrent && !way)} onClick={onChoose}>
          {isCurrent && !way ? t("isChosen") : t(isSwitch && !isCurrent ? "switch" : "use", { name: model.label })}
        </Button>
        {missing.length > 0 ? (
          <span className="ml-auto text-xs text-muted-foreground">{formatList(missing, locale)}</span>
        ) : null}
      </div>
    </>
  );
}

/** The tokens against the window: what fits in patina, what is too much in brass. */
function Room({ fit, t }: { fit: Fit; t: T }) {
  const locale = useLocale();
  const number = (value: number) => formatNumber(Math.round(value), {}, locale);
  const whole = Math.max(fit.tokens, fit.room ?? fit.tokens);
  const inside = fit.room === null ? fit.tokens : Math.min(fit.tokens, fit.room);
  return (
    <div className="num mt-3">
      <div className="flex flex-wrap gap-x-3">
        <span className="grow">{t("tokens", { count: Math.round(fit.tokens) })}</span>
        <span className="text-muted-foreground">
          {fit.room === null ? t("roomUnknown") : t("room", { count: number(fit.room) })}
        </span>
      </div>
      <div aria-hidden="true" className="mt-1.5 flex h-1.5 gap-px overflow-hidden rounded-full bg-selected">
        <span className="bg-primary" style={{ width: `${whole > 0 ? (inside / whole) * 100 : 0}%` }} />
        {fit.over > 0 ? <span className="grow bg-brass" /> : null}
      </div>
      {fit.room === null ? null : (
        <p className={cx("mt-1.5 text-xs", fit.over > 0 ? "text-brass-text" : "text-muted-foreground")}>
          {fit.over > 0
            ? t("over", { count: Math.ceil(fit.over) })
            : t("fits", { count: Math.floor(fit.room - fit.tokens) })}
        </p>
      )}
    </div>
  );
}

function ModelFacts({ model, t }: { model: ModelInfo; t: T }) {
  const locale = useLocale();
  const number = (value: number) => formatNumber(value, {}, locale);
  const { price } = model;
  const rate = (amount: string | null | undefined) =>
    price && amount ? t("perMillionShort", { amount: formatRate(amount, price.currency, locale) }) : null;
  const facts: (readonly [string, ReactNode])[] = [
    [t("provider"), model.provider.is_local ? model.provider.label : null],
    [t("window"), model.context_total === null ? null : t("windowValue", { count: number(model.context_total) })],
    [t("longest"), model.max_output === null ? null : t("windowValue", { count: number(model.max_output) })],
    [
      t("reads"),
      formatList(
        model.takes.map((kind) => readsText(kind, t)),
        locale,
      ) || null,
    ],
    [t("input"), price?.is_free ? t("free") : price ? rate(price.input) : t("unknown")],
    [t("cached"), price?.is_free || !price ? null : rate(price.cached)],
    [t("output"), price?.is_free ? null : price ? rate(price.output) : null],
  ];
  return (
    <>
      {model.description ? <p className="mt-2 text-muted-foreground">{model.description}</p> : null}
      <dl className="num mt-3 border-t border-border-soft">
        {facts.map(([label, fact]) =>
          fact === null ? null : (
            <div key={label} className="flex gap-3 border-b border-border-soft py-1.5">
              <dt className="grow text-muted-foreground">{label}</dt>
              <dd className="text-right">{fact}</dd>
            </div>
          ),
        )}
      </dl>
    </>
  );
}

function wayOption(way: Way, fit: Fit, t: T, money: (nano: number, currency: string) => string) {
  const aside = (text: string) => <span className="num text-muted-foreground">{text}</span>;
  switch (way.kind) {
    case "summarise":
      return {
        value: way.kind,
        label: t("way.summarise"),
        help: t("way.summarise.help", { count: way.turns }),
        aside: aside(
          way.nano === null || !fit.currency
            ? t("unknown")
            : way.nano === 0
              ? t("free")
              : money(way.nano, fit.currency),
        ),
      };
    case "drop":
      return {
        value: way.kind,
        label: t("way.drop"),
        help: t("way.drop.help", { count: way.turns }),
        aside: aside(t("free")),
      };
    case "passages":
      return {
        value: way.kind,
        label: t("way.passages"),
        help: t("way.passages.help", { keep: way.keep, of: way.of }),
        aside: aside(t("free")),
      };
  }
}

function missingText(kind: string, t: T): string {
  return `missing.${kind}` in modelsTexts.en ? t(`missing.${kind}` as "missing.image") : t("missing.other", { kind });
}

export function readsText(kind: string, t: T): string {
  return `reads.${kind}` in modelsTexts.en ? t(`reads.${kind}` as "reads.text") : kind;
}
