import type { Level } from '../level.ts';

export interface Grade {
  value: number;
  /** Beyond which the level is entered; a level without one is never entered. */
  warning?: number;
  critical?: number;
  /** How far a value must come back before its level is left. */
  margin: number;
  /** Small values are the bad ones. */
  low?: boolean;
}

/**
 * The level of a value, with hysteresis: a level is entered beyond its threshold and left only when the value has come
 * back by the margin (or half the threshold, where that is less), so that a value at a threshold raises one alert, not many.
 */
export function levelOf(
  { value, warning, critical, margin, low = false }: Grade,
  previous: Level | undefined,
): Level | undefined {
  const beyond = (threshold: number | undefined, held: boolean): boolean => {
    if (threshold === undefined) return false;
    const back = held ? Math.min(margin, threshold / 2) : 0;
    return low ? value < threshold + back : value > threshold - back;
  };
  if (beyond(critical, previous === 'critical')) return 'critical';
  return beyond(warning, previous === 'warning' || previous === 'critical') ? 'warning' : undefined;
}
