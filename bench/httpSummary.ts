import { cpus, totalmem } from 'node:os';
import { numberText } from '../src/lib/sql/summaries.ts';
import { median } from './figures.ts';
import { type Kind, kinds, labels, type Round } from './httpKinds.ts';
import type { LoadFigures } from './httpLoad.ts';

export interface Circumstances {
  entries: number;
  rounds: number;
  /** Load average of the last five minutes. */
  load: number;
}

/** The figures as Markdown. A ratio is the median of the rounds' ratios: what else the machine does changes less within one. */
export function printHttpFigures(measured: readonly Round[], { entries, rounds, load }: Circumstances): string {
  const of = (kind: Kind) => measured.filter((round) => round.kind === kind);
  const rate = (kind: Kind) => median(of(kind).map(({ rowsPerSecond }) => rowsPerSecond));
  const ratios = (kind: Kind) =>
    of('alone').flatMap(({ round, rowsPerSecond: alone }) =>
      of(kind).flatMap((beside) => (beside.round === round ? [beside.rowsPerSecond / alone] : [])),
    );
  const ratio = (kind: Kind) => median(ratios(kind));
  const range = (kind: Kind) => `${Math.min(...ratios(kind)).toFixed(2)} to ${Math.max(...ratios(kind)).toFixed(2)}`;
  const purges = kinds.map((kind) => {
    const busy = median(of(kind).map(({ cpuBusy }) => cpuBusy));
    return `| ${labels[kind]} | ${numberText(Math.round(rate(kind)))} | ${ratio(kind).toFixed(2)} | ${median(of(kind).map(({ seconds }) => seconds)).toFixed(1)} | ${(busy * 100).toFixed(0)} % |`;
  });
  const loads = (['onCall', 'unbounded'] as const).flatMap((kind) =>
    ['/api/health', '/api/status'].map((name) => {
      const figures = of(kind).flatMap((round) => round.loads.filter((load) => load.name === name));
      return loadRow(
        kind,
        name,
        figures.map((load) => load.figures),
      );
    }),
  );
  const errors = measured.flatMap(({ loads }) => loads).reduce((sum, { figures }) => sum + figures.errors, 0);
  return `# HTTP bench

- Machine: ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(1)} GB memory, Node.js ${process.versions.node}, load average ${load.toFixed(1)}. PostgreSQL, Azurite, the functions and the load share it.
- Data: ${numberText(entries)} entries, 70 % expired; a fresh copy for each purge. ${rounds} purges of each kind, by turns, over HTTP, with the default settings and their pauses. Medians.
- The status page reads a day of counts and two of purges, as on a deployment that has run for that long.

| beside the purge | rows/s | x alone | seconds | CPU busy |
| --- | --: | --: | --: | --: |
${purges.join('\n')}

| load | route | requests/s | requests | errors | p50 ms | p99 ms | max ms |
| --- | --- | --: | --: | --: | --: | --: | --: |
${loads.join('\n')}

- The purge beside an on-call team, x alone: ${ratio('onCall').toFixed(2)} (single rounds ${range('onCall')})
- Requests that failed: ${errors}
- The purge beside as many requests as are answered, x alone: ${ratio('unbounded').toFixed(2)} (single rounds ${range('unbounded')})`;
}

function loadRow(kind: Kind, name: string, figures: readonly LoadFigures[]): string {
  const middle = (figure: (load: LoadFigures) => number) => median(figures.map(figure));
  const sum = (figure: (load: LoadFigures) => number) => figures.reduce((total, load) => total + figure(load), 0);
  const cells = [
    kind === 'onCall' ? 'on call' : 'unbounded',
    name,
    middle(({ requestsPerSecond }) => requestsPerSecond).toFixed(1),
    numberText(sum(({ requests }) => requests)),
    String(sum(({ errors }) => errors)),
    middle(({ p50Ms }) => p50Ms).toFixed(0),
    middle(({ p99Ms }) => p99Ms).toFixed(0),
    Math.max(...figures.map(({ maxMs }) => maxMs)).toFixed(0),
  ];
  return `| ${cells.join(' | ')} |`;
}
