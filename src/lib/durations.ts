import { Temporal } from 'temporal-polyfill';

/**
 * Milliseconds of an ISO 8601 duration (`PT5M`, `P1DT12H`); a day has 24 hours. Undefined where the text is not a
 * duration, is negative, or has years, months or weeks, whose length is not fixed or not plain.
 */
export function parseDuration(text: string): number | undefined {
  try {
    const duration = Temporal.Duration.from(text);
    if (duration.sign < 0 || duration.years || duration.months || duration.weeks) return undefined;
    return duration.total('milliseconds');
  } catch {
    return undefined;
  }
}

/** An ISO 8601 duration of `ms` milliseconds, rounded to the millisecond: `PT0.2S`, `P273DT4H`. */
export function formatDuration(ms: number): string {
  return Temporal.Duration.from({ milliseconds: Math.round(ms) })
    .round({ largestUnit: 'days' })
    .toString();
}

/** A duration for people: the two largest units of it, `273 d 4 h`, `1 min 12 s`, `180 ms`. */
export function humanDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}
