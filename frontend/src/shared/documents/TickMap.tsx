import { useTexts } from "../i18n/texts";
import { cx } from "../ui/cx";
import { viewerTexts } from "./texts";

export interface Tick {
  /** 0 to 1 of the document's height. */
  readonly at: number;
  readonly page: number;
  readonly isCurrent: boolean;
}

/** All passages of a document beside its scrollbar, as far down as they stand in it. */
export function TickMap({ ticks, onChoose }: { ticks: readonly Tick[]; onChoose: (index: number) => void }) {
  const t = useTexts(viewerTexts);
  if (ticks.length === 0) return null;
  return (
    <nav aria-label={t("ticks")} className="pointer-events-none absolute inset-y-2 right-0 w-3">
      {ticks.map((tick, index) => (
        <button
          // biome-ignore lint/suspicious/noArrayIndexKey: ticks are told apart by their order
          key={index}
          type="button"
          tabIndex={-1}
          aria-label={t("tick", { at: index + 1, page: tick.page })}
          aria-current={tick.isCurrent || undefined}
          onClick={() => onChoose(index)}
          className="pointer-events-auto absolute right-0 grid h-2.5 w-3 -translate-y-1/2 place-items-center"
          style={{ top: `${tick.at * 100}%` }}
        >
          <span
            className={cx(
              "block rounded-full",
              tick.isCurrent ? "size-[7px] bg-primary" : "h-[3px] w-2 bg-marker-edge",
            )}
          />
        </button>
      ))}
    </nav>
  );
}
