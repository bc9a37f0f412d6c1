import { Check } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { cx } from "../ui/cx";
import { Icon } from "../ui/icons";
import type { Colour, Thing } from "./api";
import { colours, iconOf, paint } from "./kinds";
import { thingTexts } from "./texts";

/** What it is, in the colour that its people gave it. */
export function ThingIcon({ thing, size = 15, className }: { thing: Thing; size?: number; className?: string }) {
  const colour = paint(thing.colour);
  return (
    <span
      className={cx("flex flex-none", !colour && "text-faint", className)}
      style={colour ? { color: colour } : undefined}
    >
      <Icon icon={iconOf(thing)} size={size} />
    </span>
  );
}

/** Nine colours and none. Each has a name, so it is more than its look. */
export function ColourField({ value, onChange }: { value: Colour | null; onChange: (colour: Colour | null) => void }) {
  const t = useTexts(thingTexts);
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1.5 font-medium">{t("colour")}</legend>
      <div className="flex flex-wrap gap-1.5">
        {[null, ...colours].map((colour) => {
          const chosen = colour === value;
          return (
            <button
              key={colour ?? "none"}
              type="button"
              aria-pressed={chosen}
              aria-label={t(`colour.${colour ?? "none"}`)}
              title={t(`colour.${colour ?? "none"}`)}
              onClick={() => onChange(colour)}
              className={cx(
                "touch grid size-7 place-items-center rounded-full",
                colour ? "text-white" : "border border-border-strong text-foreground",
                chosen && "outline-2 outline-offset-2 outline-ring",
              )}
              style={colour ? { background: paint(colour) } : undefined}
            >
              {chosen ? <Icon icon={Check} size={14} strokeWidth={3} /> : null}
            </button>
          );
        })}
      </div>
    </fieldset>
  );
}
