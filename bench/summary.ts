import { numberText } from '../src/lib/sql/summaries.ts';
import type { Ratio, SizeFigures, WayFigures } from './sizeFigures.ts';
import type { Way } from './ways.ts';

/** Below these, a p99 is not much more than the worst one. */
const fewOperations = 1_000;

/** What the single figures come to. */
export function summaryOf(sizes: SizeFigures[]): string {
  return [
    '## Summary',
    '',
    ...sizes.flatMap((size) => [
      faster(size, "pauses off, times the single DELETE's rows/s", of(size, 'purge')?.toSingleDelete),
      faster(size, "pauses off, times the fixed loop's rows/s", of(size, 'purge')?.toFixedLoop),
      calm(size, of(size, 'purgeWithPauses')),
    ]),
    flat('pauses off, µs per row', sizes, (size) => 1e6 / (of(size, 'purge')?.rowsPerSecond ?? Number.NaN)),
    ...memory(sizes),
  ].join('\n');
}

/** For the whole run, set-up included; what the deletion alone reaches is said beside it. */
function faster(size: SizeFigures, what: string, ratio: Ratio | undefined): string {
  return line(size, `${what}: ${text(ratio?.run)}; ${text(ratio?.deleting)} without set-up`);
}

function calm(size: SizeFigures, figures: WayFigures | undefined): string {
  const few = figures && figures.operations < fewOperations ? `; of ${figures.operations} operations only` : '';
  return line(size, `default pauses, times the idle load's p99: ${text(figures?.p99ToIdle)}${few}`);
}

function memory(sizes: SizeFigures[]): string[] {
  const megabytes = (size: SizeFigures) =>
    Math.max(...size.ways.filter(isPurge).map(({ peakBytes }) => peakBytes)) / 2 ** 20;
  const largest = Math.max(...sizes.map(megabytes));
  return [line(undefined, `peak memory: ${text(largest)} MB`), flat('peak memory, MB', sizes, megabytes)];
}

/** The largest size's figure as a multiple of the smallest size's; growth is what matters, not becoming less. */
function flat(what: string, sizes: SizeFigures[], figure: (size: SizeFigures) => number): string {
  const sorted = [...sizes].sort((a, b) => a.entries - b.entries);
  const values = sorted.map(figure);
  const ratio = Math.max(...values) / (values[0] ?? Number.NaN);
  const each = sorted.map((size, index) => `${text(values[index])} at ${numberText(size.entries)}`).join(', ');
  return line(undefined, `${what}: ${each}${sizes.length < 2 ? '' : `; x ${text(ratio)}`}`);
}

function line(size: SizeFigures | undefined, rest: string): string {
  return `- ${size ? `${numberText(size.entries)} entries, ` : ''}${rest}`;
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
