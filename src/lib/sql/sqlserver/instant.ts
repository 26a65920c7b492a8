import type { Instant } from '../cacheTable.ts';

/**
 * `datetimeoffset(7)` counts 100 ns; a Date only ms. The driver adds the rest in seconds: as `nanosecondsDelta` to what it
 * reads, and expects it as `nanosecondDelta` in what it writes (tedious 20, value-parser.js and data-types/temporal.js).
 */
interface ReadDate extends Date {
  nanosecondsDelta?: number;
}

/** The instant that the driver read, in UTC and in full precision. */
export function toInstant(date: Date): Instant {
  const ticks = Math.round(((date as ReadDate).nanosecondsDelta ?? 0) * 1e7);
  return date.toISOString().replace('Z', `${String(ticks).padStart(4, '0')}Z`) as Instant;
}

/** What the driver writes for an instant. */
export function fromInstant(instant: Instant): Date {
  const [, toMs, ticks] = /^(.*\.\d{3})(\d{4})Z$/.exec(instant) ?? [];
  return Object.assign(new Date(`${toMs}Z`), { nanosecondDelta: Number(ticks) / 1e7 });
}
