/** Memory in use at an instant: ms since 1970, and bytes. */
export type TrendPoint = [at: number, usedBytes: number];

/** Points kept of each node: the state of many nodes must fit one row of the record store. */
const keptPoints = 60;
const keptMs = 14 * 86_400_000;

/** The trend with a further point; the older ones are thinned out, so that the span grows and the size does not. */
export function addPoint(points: readonly TrendPoint[], point: TrendPoint): TrendPoint[] {
  const all = [...points.filter(([at]) => at < point[0] && at > point[0] - keptMs), point];
  if (all.length <= keptPoints) return all;
  const half = Math.floor(all.length / 2);
  return all.filter((_, index) => index === 0 || index > half || index % 2 === 0);
}

/**
 * Bytes a day that the use grows by: the median of the slopes between all pairs of points (Theil and Sen), which neither
 * a busy hour nor a purge bends. Null where the points span less than `leastSpanMs`, or are fewer than 4.
 */
export function growthPerDay(points: readonly TrendPoint[], leastSpanMs: number): number | null {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || points.length < 4 || last[0] - first[0] < leastSpanMs) return null;
  const slopes: number[] = [];
  points.forEach(([at, used], index) => {
    for (const [earlierAt, earlierUsed] of points.slice(0, index))
      if (at > earlierAt) slopes.push((used - earlierUsed) / (at - earlierAt));
  });
  slopes.sort((a, b) => a - b);
  return (slopes[Math.floor(slopes.length / 2)] ?? 0) * 86_400_000;
}

/** How much farther than its records a forecast reaches: an hour of a morning says nothing about next week. */
const reach = 24;

/** Milliseconds until `maxBytes` are in use; null where the use does not grow, or where that is farther off than can be told. */
export function timeUntilFull(
  points: readonly TrendPoint[],
  maxBytes: number,
  bytesPerDay: number | null,
): number | null {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || bytesPerDay === null || bytesPerDay <= 0) return null;
  const ms = (Math.max(0, maxBytes - last[1]) / bytesPerDay) * 86_400_000;
  return ms <= reach * (last[0] - first[0]) ? ms : null;
}
