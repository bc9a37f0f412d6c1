import { CircleOff, CircleX, KeyRound, Turtle } from "lucide-react";
import { useTexts } from "@/shared/i18n/texts";
import { cx } from "@/shared/ui/cx";
import { StateMark } from "@/shared/ui/marks";
import type { Provider, Tick } from "./api";
import { providersTexts } from "./texts";

export function ProviderState({ provider }: { provider: Provider }) {
  const t = useTexts(providersTexts);
  if (!provider.is_enabled) return <StateMark icon={CircleOff}>{t("is.off")}</StateMark>;
  if (isKeyRefused(provider)) {
    return (
      <StateMark tone="brick" icon={CircleX}>
        {t("is.keyRefused")}
      </StateMark>
    );
  }
  if (provider.needs_key && provider.keys.length === 0) {
    return (
      <StateMark tone="brass" icon={KeyRound}>
        {t("is.noKey")}
      </StateMark>
    );
  }
  switch (provider.state) {
    case "ok":
      return <StateMark tone="primary">{provider.is_local ? t("is.okLocal") : t("is.ok")}</StateMark>;
    case "slow":
      return (
        <StateMark tone="brass" icon={Turtle}>
          {t("is.slow")}
        </StateMark>
      );
    case "down":
      return (
        <StateMark tone="brick" icon={CircleX}>
          {t("is.down")}
        </StateMark>
      );
    case "unknown":
      return <StateMark>{t("is.unknown")}</StateMark>;
  }
}

export function isKeyRefused(provider: Provider): boolean {
  return (
    provider.error_code === "gateway.key_refused" ||
    (provider.keys.length > 0 && provider.keys.every(({ state }) => state === "refused"))
  );
}

const SLOTS = 48;
const SLOT_MS = 30 * 60_000;
const SLOW_MS = 4000;

type Look = "none" | "good" | "slow" | "mixed" | "bad";

const looks: Record<Look, string> = {
  none: "bg-selected",
  good: "bg-primary-line",
  slow: "bg-brass",
  mixed: "bg-brass",
  bad: "bg-destructive",
};

function lookOf(tick: Tick | undefined): Look {
  if (!tick || tick.ok + tick.failed === 0) return "none";
  if (tick.failed > 0) return tick.ok === 0 ? "bad" : "mixed";
  return tick.first_ms !== null && tick.first_ms > SLOW_MS ? "slow" : "good";
}

/** Half an hour each, the newest at the right; failures stand out by height too, not by colour alone. */
export function UptimeTicks({ ticks, now }: { ticks: readonly Tick[]; now: number }) {
  const t = useTexts(providersTexts);
  const last = Math.floor(now / SLOT_MS);
  const bySlot = new Map(ticks.map((tick) => [last - Math.floor(Date.parse(tick.at) / SLOT_MS), tick]));
  const slots = Array.from({ length: SLOTS }, (_, index) => lookOf(bySlot.get(SLOTS - 1 - index)));
  const failed = slots.filter((look) => look === "bad" || look === "mixed").length;
  return (
    <span role="img" aria-label={t("ticks", { failed })} className="flex h-4 items-end gap-[1.5px]">
      {slots.map((look, index) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: a slot is its place
          key={index}
          className={cx("w-[3px] rounded-[1px]", looks[look], look === "none" ? "h-2" : "h-4")}
        />
      ))}
    </span>
  );
}
