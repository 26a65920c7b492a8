import { numberText } from '../src/lib/sql/summaries.ts';
import type { Ratio, SizeFigures, WayFigures } from './sizeFigures.ts';
import type { Way } from './ways.ts';

/** How much a figure that should stay flat may differ between the sizes. */
const flatWithin = 1.5;
const memoryLimitMb = 150;
/** Below these, a p99 is not much more than the worst one. */
const fewOperations = 1_000;

/** The figures beside what is wanted of the purge. */
export function summaryOf(sizes: SizeFigures[]): string {
  return [
    '## Wanted and measured',
    '',
    ...sizes.flatMap((size) => [
      faster(size, "pauses off, times the single DELETE's rows/s", 0.7, of(size, 'purge')?.toSingleDelete),
      faster(size, "pauses off, times the fixed loop's rows/s", 1.1, of(size, 'purge')?.toFixedLoop),
      calm(size, of(size, 'purgeWithPauses')),
    ]),
    flat('pauses off, µs per row', sizes, (size) => 1e6 / (of(size, 'purge')?.rowsPerSecond ?? Number.NaN)),
    ...memory(sizes),
  ].join('\n');
}

/** For the whole run, set-up included; what the deletion alone reaches is said beside it. */
function faster(size: SizeFigures, what: string, wanted: number, ratio: Ratio | undefined): string {
  const figures = `${text(ratio?.run)} (wanted >= ${wanted}); ${text(ratio?.deleting)} without set-up`;
  return line(ratio !== undefined && ratio.run >= wanted, size, `${what}: ${figures}`);
}

function calm(size: SizeFigures, figures: WayFigures | undefined): string {
  const wanted = 1.5;
  const ratio = figures?.p99ToIdle;
  const few = figures && figures.operations < fewOperations ? `; of ${figures.operations} operations only` : '';
  const what = `default pauses, times the idle load's p99: ${text(ratio)} (wanted <= ${wanted})${few}`;
  return line(ratio !== undefined && ratio <= wanted, size, what);
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
