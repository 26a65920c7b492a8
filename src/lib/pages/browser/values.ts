import type { Plot } from '../status/plot.ts';

const units: Record<Plot['unit'], [factor: number, name: string][]> = {
  count: [
    [1e9, ' G'],
    [1e6, ' M'],
    [1e3, ' k'],
    [1, ''],
  ],
  bytes: [
    [1e12, ' TB'],
    [1e9, ' GB'],
    [1e6, ' MB'],
    [1e3, ' kB'],
    [1, ' B'],
  ],
  seconds: [
    [86_400, ' d'],
    [3_600, ' h'],
    [60, ' min'],
    [1, ' s'],
  ],
};

function unitOf(unit: Plot['unit'], value: number): [number, string] {
  return units[unit].find(([factor]) => value >= factor) ?? [1, units[unit].at(-1)?.[1] ?? ''];
}

/** `1.2 M`, `552 MB`, `3 h`: short enough for an axis. */
export function valueText(unit: Plot['unit'], value: number): string {
  if (value === 0) return '0';
  const [factor, name] = unitOf(unit, Math.abs(value));
  const scaled = value / factor;
  return `${Number(scaled.toFixed(Math.abs(scaled) < 10 ? 1 : 0))}${name}`;
}

/** As precise as somebody who points at it may want: counts in full. */
export function exactText(unit: Plot['unit'], value: number): string {
  return unit === 'count' ? value.toLocaleString('en-US') : valueText(unit, value);
}

/** Some round values from 0 to `most`: round in the unit that they are shown in. */
export function axisValues(unit: Plot['unit'], most: number): number[] {
  const [factor] = unitOf(unit, most);
  const step = Math.max(1, roundStep(most / factor / 4) * factor);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}

/** The next of 1, 2, 2.5, 5 times a power of ten. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return ([1, 2, 2.5, 5].find((part) => part * power >= step) ?? 10) * power;
}
