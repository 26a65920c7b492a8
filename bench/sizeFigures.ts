import { percentiles } from '../src/lib/sqlCache/estimate.ts';
import type { Measurement } from './measure.ts';
import { type Way, ways } from './ways.ts';

/** The figures of one way at one size. Times in ms; undefined where nothing was measured. */
export interface WayFigures {
  way: Way;
  /** Medians of the rounds. */
  rowsPerSecond: number;
  seconds: number;
  /** Medians of each round's own ratio of rows/s: what slows the machine for a while slows both. */
  toSingleDelete: number | undefined;
  toFixedLoop: number | undefined;
  /** Of all rounds' operations together. */
  operations: number;
  p50: number | undefined;
  p99: number | undefined;
  longest: number | undefined;
  reviveP99: number | undefined;
  reviveLongest: number | undefined;
  /** p99 as a multiple of the load's without a purge. */
  p99ToIdle: number | undefined;
  peakBytes: number;
  notes: string[];
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
  const ratioTo = (other: Way) =>
    way === 'idle' ? undefined : median(rounds.map((round) => rate(way, round) / rate(other, round)));
  return {
    way,
    rowsPerSecond: median(rounds.map((round) => rate(way, round))) ?? 0,
    seconds: median(measured.map(({ done }) => (done.to - done.from) / 1_000)) ?? 0,
    toSingleDelete: ratioTo('singleDelete'),
    toFixedLoop: ratioTo('fixedLoop'),
    ...latency,
    p99ToIdle: latency.p99 !== undefined && idleP99 !== undefined ? latency.p99 / idleP99 : undefined,
    peakBytes: Math.max(...measured.map(({ done }) => done.peakBytes)),
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

function rate(way: Way, round: Measurement[]): number {
  const [done] = round.filter((measurement) => measurement.way === way).map((measurement) => measurement.done);
  return done ? (done.deleted / (done.to - done.from)) * 1_000 : Number.NaN;
}

/** The mean of the two middle values where their number is even. */
function median(values: number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.length === 0 ? undefined : middle.reduce((sum, value) => sum + value, 0) / middle.length;
}
