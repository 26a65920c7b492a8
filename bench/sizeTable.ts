import { numberText } from '../src/lib/sql/summaries.ts';
import type { SizeFigures, WayFigures } from './sizeFigures.ts';
import { labels } from './ways.ts';

const columns: [string, (figures: WayFigures) => string][] = [
  ['way', ({ way }) => labels[way]],
  ['rows/s', ({ way, rowsPerSecond }) => (way === 'idle' ? '' : numberText(Math.round(rowsPerSecond)))],
  ['seconds', ({ seconds }) => seconds.toFixed(2)],
  ['x single DELETE', ({ toSingleDelete }) => decimals(toSingleDelete?.run, 2)],
  ['x fixed loop', ({ toFixedLoop }) => decimals(toFixedLoop?.run, 2)],
  ['set-up ms', ({ way, setUpMs }) => (way === 'idle' ? '' : setUpMs.toFixed(0))],
  ['operations', ({ operations }) => numberText(operations)],
  ['p50 ms', ({ p50 }) => decimals(p50, 2)],
  ['p99 ms', ({ p99 }) => decimals(p99, 2)],
  ['p99 x idle', ({ p99ToIdle }) => decimals(p99ToIdle, 2)],
  ['longest stall ms', ({ longest }) => decimals(longest, 0)],
  ['revive p99 ms', ({ reviveP99 }) => decimals(reviveP99, 2)],
  ['revive longest ms', ({ reviveLongest }) => decimals(reviveLongest, 0)],
  ['peak memory MB', ({ way, peakBytes }) => (way === 'idle' ? '' : (peakBytes / 2 ** 20).toFixed(0))],
  ['CPU busy %', ({ cpuBusy }) => (100 * cpuBusy).toFixed(0)],
];

export function tableOf({ entries, rounds, ways }: SizeFigures): string {
  return [
    `## ${numberText(entries)} entries, ${rounds === 1 ? 'one round' : `medians of ${rounds} interleaved rounds`}`,
    '',
    row(columns.map(([title]) => title)),
    row(columns.map((_, index) => (index === 0 ? '---' : '--:'))),
    ...ways.map((figures) => row(columns.map(([, cell]) => cell(figures)))),
  ].join('\n');
}

/** The load without a purge takes less than this of a small machine; more is other work's. */
const quietCpu = 0.4;

/** What a reader must know besides the figures; empty where nothing stood out. */
export function notesOf({ ways }: SizeFigures): string {
  const notes = ways.flatMap(({ way, notes }) => notes.map((note) => `- ${labels[way]}: ${note}`));
  const idle = ways.find(({ way }) => way === 'idle');
  if (idle && idle.cpuBusy > quietCpu)
    notes.push(
      '- The machine was busy with other work, as the CPU of the idle load shows: trust no figure of time here.',
    );
  return notes.length === 0 ? '' : `\n\n${[...new Set(notes)].join('\n')}`;
}

function row(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function decimals(value: number | undefined, digits: number): string {
  return value === undefined ? '' : value.toFixed(digits);
}
