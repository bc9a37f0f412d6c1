const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The moment a calendar day begins in a zone; `after` days later. Nothing for what is no day. */
export function startOfDay(day: string | undefined, timeZone: string, after = 0): string | undefined {
  if (!day || !DAY.test(day)) return undefined;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight)) return undefined;
  const wanted = midnight + after * 86_400_000;
  // The offset is asked for twice, because it may change between the guess and the moment itself.
  const guess = wanted - offsetAt(wanted, timeZone);
  return new Date(wanted - offsetAt(guess, timeZone)).toISOString();
}

function offsetAt(moment: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(moment);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")) - moment;
}
