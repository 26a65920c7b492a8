import { percentiles } from '../../src/lib/sql/estimate.ts';
import { numberText } from '../../src/lib/sql/summaries.ts';
import { machineText, median } from '../figures.ts';
import { type EverydayRun, type EverydayWay, everydayLabels, everydayWays } from './ways.ts';

export interface EverydayFigures {
  entries: number;
  rounds: number;
  repeats: number;
  pace: string | undefined;
  runs: EverydayRun[];
  counts: { way: EverydayWay; expired: number; connections: number; statements: number; roundTrips: number }[];
}

/** For an instance of 512 MB. */
const instanceGigabytes = 0.5;
const leastSeconds = 1;

export function printEveryday({ entries, rounds, repeats, pace, runs, counts }: EverydayFigures): string {
  const lines = [
    `${machineText()}; ${numberText(entries)} live entries, 200 sign-ins a second, ${rounds} round(s), up to ${3 * repeats} runs of each in a round, PURGE_PACE ${pace ?? 'by default'}.`,
  ];
  for (const expired of [...new Set(runs.map((run) => run.expired))]) {
    const of = (way: EverydayWay) => runs.filter((run) => run.way === way && run.expired === expired);
    const idle = latencies(of('idle'));
    lines.push(
      '',
      `${numberText(expired)} expired:`,
      '',
      '| way | run ms | p50 ms | p99 ms | p99 x idle | longest ms | revive p99 ms | x idle | client CPU ms | memory MB | billed GB-s | connections | statements | round trips |',
      `| --- |${' --: |'.repeat(13)}`,
      ...everydayWays.map((way) => {
        const figures = latencies(of(way));
        const ms = median(of(way).map(({ from, to }) => to - from));
        const asked = counts.find((count) => count.way === way && count.expired === expired);
        const bytes = of(way).flatMap((run) => run.bytes ?? []);
        const nothing = way === 'idle';
        const cells = [
          everydayLabels[way],
          nothing ? '' : ms.toFixed(0),
          figures.p50.toFixed(2),
          figures.p99.toFixed(2),
          (figures.p99 / idle.p99).toFixed(2),
          figures.longest.toFixed(0),
          figures.reviveP99.toFixed(2),
          (figures.reviveP99 / idle.reviveP99).toFixed(2),
          nothing ? '' : median(of(way).map(({ cpuMs }) => cpuMs)).toFixed(0),
          bytes.length === 0 ? '' : (Math.max(...bytes) / 1e6).toFixed(0),
          nothing ? '' : (Math.max(leastSeconds, ms / 1_000) * instanceGigabytes).toFixed(2),
          asked?.connections ?? '',
          asked?.statements ?? '',
          asked?.roundTrips ?? '',
        ];
        return `| ${cells.join(' | ')} |`;
      }),
    );
    const left = runs.filter((run) => run.expired === expired && run.left > 0);
    if (left.length > 0) lines.push('', `${left.length} runs left entries behind, ${left[0]?.left} the first.`);
  }
  return lines.join('\n');
}

function latencies(runs: EverydayRun[]) {
  const all = runs.flatMap(({ operations }) => operations);
  const of = (operations: typeof all, share: number) =>
    percentiles(
      operations.map(({ ms }) => ms),
      [share],
    )[0] ?? Number.NaN;
  const revives = all.filter(({ kind }) => kind === 'revive');
  return { p50: of(all, 0.5), p99: of(all, 0.99), longest: of(all, 1), reviveP99: of(revives, 0.99) };
}
