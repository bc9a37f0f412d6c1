import { House, Pin, Star } from "lucide-react";
import type { ReactNode } from "react";
import { formatDate, formatList, formatNumber } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { useBinding } from "../keys/use-keys";
import { Button, IconButton } from "../ui/button";
import { RadioGroup } from "../ui/choice";
import { cx } from "../ui/cx";
import { Icon } from "../ui/icons";
import type { ModelInfo, TokenCount } from "./api";
import { type FactName, factOf, missingText, money, priceText, type Row, type T } from "./facts";
import type { Fit, Way } from "./fit";

/** What a switch to this model would mean: tokens against the window, what has to go, and what it costs. */
export function ModelPreview({
  row,
  count,
  t,
  isCurrent,
  isPreferred,
  isSwitch,
  canChoose,
  way,
  onWay,
  onChoose,
  isFavourite,
  onFavourite,
}: {
  row: Row;
  /** Where the server has counted. */
  count: TokenCount | undefined;
  t: T;
  isCurrent: boolean;
  isPreferred: boolean;
  isSwitch: boolean;
  canChoose: boolean;
  way: Way | null;
  onWay: (kind: Way["kind"]) => void;
  onChoose: () => void;
  isFavourite: boolean;
  onFavourite: ((isFavourite: boolean) => void) | undefined;
}) {
  const { model, fit } = row;
  const locale = useLocale();
  const starKeys = useBinding("models.favourite");
  const missing = fit?.missing.map((kind) => missingText(kind, t)) ?? [];
  return (
    <>
      <div className="flex items-start gap-x-2">
        <h3 className="min-w-0 grow text-md font-semibold break-words">{model.label}</h3>
        <span className="mt-0.5 flex flex-none items-center gap-1.5 text-xs text-muted-foreground">
          {model.provider.is_local ? (
            <>
              <Icon icon={House} size={13} />
              {t("stays")}
            </>
          ) : (
            model.provider.label
          )}
        </span>
        {onFavourite ? (
          <IconButton
            icon={Star}
            size="sm"
            label={t(isFavourite ? "unstar" : "star", { name: model.label })}
            keys={starKeys}
            aria-pressed={isFavourite}
            className={cx("-mr-1.5", isFavourite && "[&_svg]:fill-current text-foreground")}
            onClick={() => onFavourite(!isFavourite)}
          />
        ) : null}
      </div>
      {isPreferred ? (
        <p className="flex items-center gap-1.5 text-xs text-muted-foreground">
          <Icon icon={Pin} size={13} />
          {t("preferred")}
        </p>
      ) : null}
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
      {fit ? <Room row={row} fit={fit} count={count} t={t} /> : <ModelFacts model={model} t={t} />}
      {fit && fit.ways.length > 0 ? (
        <div className="mt-3 border-t border-border-soft pt-3">
          <RadioGroup
            label={t("ways")}
            value={way?.kind ?? null}
            onChange={onWay}
            options={fit.ways.map((each) => wayOption(each, fit, t, (nano, currency) => money(nano, currency, locale)))}
          />
        </div>
      ) : null}
      {fit && fit.over > 0 && fit.ways.length === 0 ? (
        <p className="mt-3 text-muted-foreground">{t("fitsNot")}</p>
      ) : null}
      <span className="min-h-4 grow" />
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Button variant="primary" disabled={!canChoose || (isCurrent && !way)} onClick={onChoose}>
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
function Room({ row, fit, count, t }: { row: Row; fit: Fit; count: TokenCount | undefined; t: T }) {
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
      <p className="mt-0.5 text-xs text-faint">
        {count ? t("counted", { low: number(count.tokens_low), high: number(count.tokens_high) }) : t("estimated")}
      </p>
      {fit.over > 0 ? null : (
        <dl className="mt-3 border-t border-border-soft text-xs">
          <Line label={t("turn")}>{priceText(row, t, locale)}</Line>
          {fit.nano && fit.currency && fit.askNano !== null ? (
            <>
              <Line label={t("turn.ask")} isSoft>
                {money(fit.askNano, fit.currency, locale)}
              </Line>
              <Line label={t("turn.answer", { count: number(fit.output) })} isSoft>
                {money(fit.nano - fit.askNano, fit.currency, locale)}
              </Line>
            </>
          ) : null}
        </dl>
      )}
    </div>
  );
}

function Line({ label, isSoft = false, children }: { label: string; isSoft?: boolean; children: ReactNode }) {
  return (
    <div className={cx("flex gap-3 border-b border-border-soft py-1.5", isSoft && "text-muted-foreground")}>
      <dt className={cx("grow", isSoft ? "pl-3" : "text-foreground")}>{label}</dt>
      <dd className="text-right">{children}</dd>
    </div>
  );
}

const shown: readonly FactName[] = ["window", "longest", "reads", "tools", "input", "cached", "output"];

function ModelFacts({ model, t }: { model: ModelInfo; t: T }) {
  const locale = useLocale();
  const names: readonly FactName[] = model.provider.is_local ? ["provider", ...shown] : shown;
  return (
    <>
      {model.description ? <p className="mt-2 text-muted-foreground">{model.description}</p> : null}
      <dl className="num mt-3 border-t border-border-soft">
        {names.map((name) => {
          const fact = factOf(name, model, t, locale);
          return fact === null ? null : (
            <div key={name} className="flex gap-3 border-b border-border-soft py-1.5">
              <dt className="grow text-muted-foreground">{t(name)}</dt>
              <dd className="text-right">{fact}</dd>
            </div>
          );
        })}
      </dl>
    </>
  );
}

function wayOption(way: Way, fit: Fit, t: T, say: (nano: number, currency: string) => string) {
  const aside = (text: string) => <span className="num text-muted-foreground">{text}</span>;
  switch (way.kind) {
    case "summarise":
      return {
        value: way.kind,
        label: t("way.summarise"),
        help: t("way.summarise.help", { count: way.turns }),
        aside: aside(
          way.nano === null || !fit.currency ? t("unknown") : way.nano === 0 ? t("free") : say(way.nano, fit.currency),
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
