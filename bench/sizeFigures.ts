import { percentiles } from '../src/lib/sql/estimate.ts';
import { median } from './figures.ts';
import type { Measurement } from './measure.ts';
import { type Way, ways } from './ways.ts';

/** The figures of one way at one size. Times in ms; undefined where nothing was measured. */
export interface WayFigures {
  way: Way;
  /** Medians of the rounds. */
  rowsPerSecond: number;
  seconds: number;
  /** Before the first statement of the deletion. */
  setUpMs: number;
  toSingleDelete: Ratio | undefined;
  toFixedLoop: Ratio | undefined;
  /** All rounds' operations together. */
  operations: number;
  p50: number | undefined;
  p99: number | undefined;
  longest: number | undefined;
  reviveP99: number | undefined;
  reviveLongest: number | undefined;
  /** p99 as a multiple of the load's without a purge. */
  p99ToIdle: number | undefined;
  peakBytes: number;
  cpuBusy: number;
  notes: string[];
}

/** The ratio of two ways' rows/s: the median of each round's own ratio, since what slows the machine for a while slows both. */
export interface Ratio {
  run: number;
  /** Without the time before the first statement of the deletion. */
  deleting: number;
}

export interface SizeFigures {
  entries: number;
  rounds: number;
  ways: WayFigures[];
}

export function sizeFigures(entries: number, rounds: Measurement[][]): SizeFigures {
  const idle = latencyFigures(of('idle', rounds)).p99;
  return { entries, rounds: rounds.length, ways: ways.map((way) => wayFigures(way, rounds, idle)) };
}

function wayFigures(way: Way, rounds: Measurement[][], idleP99: number | undefined): WayFigures {
  const measured = of(way, rounds);
  const latency = latencyFigures(measured);
  const medianOf = (figure: (measurement: Measurement) => number) => median(measured.map(figure));
  return {
    way,
    rowsPerSecond: medianOf(rate),
    seconds: medianOf(({ done }) => (done.to - done.from) / 1_000),
    setUpMs: medianOf(({ done }) => done.deletingFrom - done.from),
    toSingleDelete: ratio(way, 'singleDelete', rounds),
    toFixedLoop: ratio(way, 'fixedLoop', rounds),
    ...latency,
    p99ToIdle: latency.p99 !== undefined && idleP99 !== undefined ? latency.p99 / idleP99 : undefined,
    peakBytes: Math.max(...measured.map(({ done }) => done.peakBytes)),
    cpuBusy: medianOf(({ cpuBusy }) => cpuBusy),
    notes: measured.flatMap(notesOfMeasurement),
  };
}

function notesOfMeasurement({ done, load, left }: Measurement): string[] {
  const notes = [...done.notes];
  if (left > 0) notes.push(`left ${left} expired rows behind`);
  if (load.failures.length > 0) notes.push(`${load.failures.length} failures of the load, first: ${load.failures[0]}`);
  return notes;
}

function latencyFigures(measured: Measurement[]) {
  const revives = measured.flatMap(({ load }) => load.revives);
  const all = [...measured.flatMap(({ load }) => load.reads), ...revives];
  const [p50, p99, longest] = percentiles(all, [0.5, 0.99, 1]);
  const [reviveP99, reviveLongest] = percentiles(revives, [0.99, 1]);
  return { operations: all.length, p50, p99, longest, reviveP99, reviveLongest };
}

function of(way: Way, rounds: Measurement[][]): Measurement[] {
  return rounds.flatMap((round) => round.filter((measurement) => measurement.way === way));
}

function ratio(way: Way, other: Way, rounds: Measurement[][]): Ratio | undefined {
  if (way === 'idle') return undefined;
  const pairs = rounds.flatMap((round) => {
    const [one, two] = [of(way, [round])[0], of(other, [round])[0]];
    return one && two ? [{ run: rate(one) / rate(two), deleting: deletingRate(one) / deletingRate(two) }] : [];
  });
  return { run: median(pairs.map(({ run }) => run)), deleting: median(pairs.map(({ deleting }) => deleting)) };
}

function rate({ done }: Measurement): number {
  return (done.deleted / (done.to - done.from)) * 1_000;
}

function deletingRate({ done }: Measurement): number {
  return (done.deleted / (done.to - done.deletingFrom)) * 1_000;
}
