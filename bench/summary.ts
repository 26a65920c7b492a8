import { numberText } from '../src/lib/sqlCache/summaries.ts';
import type { SizeFigures, WayFigures } from './sizeFigures.ts';
import type { Way } from './ways.ts';

/** How much a figure that should stay flat may differ between the sizes. */
const flatWithin = 1.5;
const memoryLimitMb = 150;

/** The figures beside what is wanted of the purge. */
export function summaryOf(sizes: SizeFigures[]): string {
  return [
    '## Wanted and measured',
    '',
    ...sizes.flatMap((size) => [
      atLeast(size, "pauses off, times the single DELETE's rows/s", 0.7, of(size, 'purge')?.toSingleDelete),
      atLeast(size, "pauses off, times the fixed loop's rows/s", 1.1, of(size, 'purge')?.toFixedLoop),
      atMost(size, "default pauses, times the idle load's p99", 1.5, of(size, 'purgeWithPauses')?.p99ToIdle),
    ]),
    flat('pauses off, µs per row', sizes, (size) => 1e6 / (of(size, 'purge')?.rowsPerSecond ?? Number.NaN)),
    ...memory(sizes),
  ].join('\n');
}

function atLeast(size: SizeFigures, what: string, wanted: number, measured: number | undefined): string {
  return line(measured !== undefined && measured >= wanted, size, `${what}: ${text(measured)} (wanted >= ${wanted})`);
}

function atMost(size: SizeFigures, what: string, wanted: number, measured: number | undefined): string {
  return line(measured !== undefined && measured <= wanted, size, `${what}: ${text(measured)} (wanted <= ${wanted})`);
}

function memory(sizes: SizeFigures[]): string[] {
  const megabytes = (size: SizeFigures) =>
    Math.max(...size.ways.filter(isPurge).map(({ peakBytes }) => peakBytes)) / 2 ** 20;
  const largest = Math.max(...sizes.map(megabytes));
  return [
    line(largest < memoryLimitMb, undefined, `peak memory: ${text(largest)} MB (wanted < ${memoryLimitMb})`),
    flat('peak memory, MB', sizes, megabytes),
  ];
}

/** The largest size's figure as a multiple of the smallest size's; growth is what matters, not becoming less. */
function flat(what: string, sizes: SizeFigures[], figure: (size: SizeFigures) => number): string {
  const sorted = [...sizes].sort((a, b) => a.entries - b.entries);
  const values = sorted.map(figure);
  const ratio = Math.max(...values) / (values[0] ?? Number.NaN);
  const each = sorted.map((size, index) => `${text(values[index])} at ${numberText(size.entries)}`).join(', ');
  if (sizes.length < 2) return `- not measured: flat ${what}: ${each} only`;
  return line(ratio <= flatWithin, undefined, `flat ${what}: ${each}; x ${text(ratio)} (wanted <= ${flatWithin})`);
}

function line(met: boolean, size: SizeFigures | undefined, rest: string): string {
  return `- ${met ? 'met' : 'missed'}: ${size ? `${numberText(size.entries)} entries, ` : ''}${rest}`;
}

function of({ ways }: SizeFigures, way: Way): WayFigures | undefined {
  return ways.find((figures) => figures.way === way);
}

function isPurge({ way }: WayFigures): boolean {
  return way === 'purge' || way === 'purgeWithPauses';
}

function text(value: number | undefined): string {
  return value === undefined ? 'not measured' : value.toFixed(2);
}
