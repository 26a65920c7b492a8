import { Temporal } from 'temporal-polyfill';

/** Instants of a key ring: .NET writes up to seven fraction digits, and compares all of them. */
export type Instant = Temporal.Instant;

export function parseInstant(text: string): Instant | undefined {
  try {
    return Temporal.Instant.from(text.trim());
  } catch {
    return undefined;
  }
}

export function instantOf(date: Date): Instant {
  return Temporal.Instant.fromEpochMilliseconds(date.getTime());
}

export function plusMs(instant: Instant, ms: number): Instant {
  return instant.add({ milliseconds: ms });
}

export function isBefore(a: Instant, b: Instant): boolean {
  return Temporal.Instant.compare(a, b) < 0;
}

/** Not later than. */
export function isUpTo(a: Instant, b: Instant): boolean {
  return Temporal.Instant.compare(a, b) <= 0;
}

export function compareInstants(a: Instant, b: Instant): number {
  return Temporal.Instant.compare(a, b);
}

export function latest(a: Instant, b: Instant): Instant {
  return isBefore(a, b) ? b : a;
}

/** Milliseconds from `a` to `b`, negative where b is earlier. */
export function msBetween(a: Instant, b: Instant): number {
  return Number(b.epochNanoseconds - a.epochNanoseconds) / 1e6;
}
