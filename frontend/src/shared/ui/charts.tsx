import { useState } from "react";
import { formatNumber } from "../i18n/format";
import { useLocale } from "../i18n/locale";

export interface Bar {
  /** Under the bar; give it only where an axis label belongs. */
  label: string;
  /** In the popover and the table: the full name of the bar. */
  name: string;
  value: number;
  /** Instead of the value, where a number would say too little: a sum of which something is missing. */
  said?: string;
  /** Something is not in the bar: it has a mark at its foot, also where there is no bar at all. */
  isPartial?: boolean;
  /** What the bar is made of, from its foot up; `look` is the class of a colour. Without them it is of one piece. */
  parts?: readonly { name: string; look: string; value: number; said: string }[];
}

/** The smallest round number that holds the largest bar, in three or four even steps. */
export function axisSteps(max: number): number[] {
  if (max <= 0) return [0, 1];
  const rough = max / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(
    1,
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? power,
  );
  const steps = [0];
  while ((steps.at(-1) ?? 0) < max) steps.push((steps.at(-1) ?? 0) + step);
  return steps;
}

/** A bar chart of our own: axis right, dashed gridlines, no animation; readers get the same figures as a table. */
export function BarChart({
  title,
  unit,
  bars,
  height = 180,
  format,
}: {
  title: string;
  unit: string;
  bars: readonly Bar[];
  height?: number;
  /** How a value reads, where it is more than a number: money, for one. */
  format?: (value: number) => string;
}) {
  const locale = useLocale();
  const say = format ?? ((value: number) => formatNumber(value, {}, locale));
  const axis = format ? "right-16" : "right-9";
  const [hovered, setHovered] = useState<number | null>(null);
  const steps = axisSteps(Math.max(0, ...bars.map((bar) => bar.value)));
  const top = steps.at(-1) ?? 1;
  const plot = height - 24;
  const y = (value: number) => plot - (value / top) * (plot - 8);
  const active = hovered === null ? undefined : bars[hovered];
  return (
    <figure className="relative min-w-0">
      <figcaption className="font-semibold">
        {title}, <span className="font-normal text-muted-foreground">{unit}</span>
      </figcaption>
      <div className="relative mt-3" style={{ height }} aria-hidden="true">
        {steps.map((step) => (
          <div
            key={step}
            className={`absolute ${axis} left-0 border-t ${step === 0 ? "border-border" : "border-dashed border-border-soft"}`}
            style={{ top: y(step) }}
          >
            <span className="num absolute -top-2 left-full pl-2 text-2xs whitespace-nowrap text-faint">
              {say(step)}
            </span>
          </div>
        ))}
        <div className={`absolute inset-y-0 ${axis} left-0 flex`} onPointerLeave={() => setHovered(null)}>
          {bars.map((bar, index) => (
            <div
              key={bar.name}
              className={`relative min-w-0 grow basis-0 ${hovered === index ? "bg-hover" : ""}`}
              style={{ height: plot }}
              onPointerEnter={() => setHovered(index)}
            >
              <span
                className={`absolute bottom-0 left-[18%] flex w-[64%] flex-col-reverse gap-px overflow-hidden rounded-t-[2.5px] ${bar.parts ? "" : "bg-chart-1"}`}
                style={{ height: bar.value > 0 ? Math.max(2, plot - y(bar.value)) : 0 }}
              >
                {bar.parts?.map((part) => (
                  <span key={part.name} className={`basis-0 ${part.look}`} style={{ flexGrow: part.value }} />
                ))}
              </span>
              {bar.isPartial ? <span className="absolute bottom-0 left-[18%] h-1 w-[64%] bg-brass" /> : null}
              <span className="num absolute top-full left-1/2 -translate-x-1/2 pt-1 text-2xs whitespace-nowrap text-faint">
                {bar.label}
              </span>
            </div>
          ))}
        </div>
        {active && hovered !== null ? (
          <div
            className="pointer-events-none absolute top-0 z-10 rounded-md bg-raised px-3 py-2 text-xs whitespace-nowrap shadow-pop"
            style={
              hovered < bars.length / 2
                ? { left: `${((hovered + 1) / bars.length) * 90}%` }
                : { right: `${(1 - hovered / bars.length) * 90 + 6}%` }
            }
          >
            <div className="flex gap-4">
              <span className="grow">{active.name}</span>
              <span className="num font-semibold">{active.said ?? say(active.value)}</span>
            </div>
            {active.parts?.map((part) => (
              <div key={part.name} className="mt-1 flex items-center gap-2 text-muted-foreground">
                <span className={`size-2 rounded-[2px] ${part.look}`} />
                <span className="grow">{part.name}</span>
                <span className="num pl-4 text-foreground">{part.said}</span>
              </div>
            ))}
          </div>
        ) : null}
      </div>
      <table className="sr-only">
        <caption>
          {title}, {unit}
        </caption>
        <tbody>
          {bars.map((bar) => (
            <tr key={bar.name}>
              <th scope="row">{bar.name}</th>
              <td>{bar.said ?? say(bar.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
