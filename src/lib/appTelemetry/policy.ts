/** How an app's telemetry is read; docs/reference/settings.md explains each. Durations in ms. */
export interface AppPolicy {
  /** The time that the figures are of. */
  windowMs: number;
  timeoutMs: number;
  /** With fewer look-ups there is no ratio. */
  leastCalls: number;
}

/** How far the series of an app goes back, and the memory of its processes. */
export const seriesMs = 6 * 3_600_000;
export const memoryMs = 24 * 3_600_000;
export const binMs = 5 * 60_000;
