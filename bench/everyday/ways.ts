import pg from 'pg';
import { now, type Operation, type Window } from '../children.ts';
import { fixedBatch, singleDelete } from '../ways.ts';

export const everydayWays = ['idle', 'timer', 'fixedLoop', 'singleDelete'] as const;
export type EverydayWay = (typeof everydayWays)[number];

export const everydayLabels: Record<EverydayWay, string> = {
  idle: 'idle: the load alone',
  timer: "this purge, by its timer's function",
  fixedLoop: 'fixed loop of 1,000',
  singleDelete: 'single DELETE',
};

export interface EverydayRun extends Window {
  way: EverydayWay;
  expired: number;
  cpuMs: number;
  /** The functions' process alone. */
  bytes?: number;
  /** Expired entries that the run left behind. */
  left: number;
  operations: Operation[];
}

/** One of the ways that need no project, with its connection; `idle` does nothing. */
export async function handWritten(
  way: Exclude<EverydayWay, 'timer'>,
  url: string,
): Promise<Window & { cpuMs: number }> {
  const cpu = process.cpuUsage();
  const from = now();
  if (way !== 'idle') {
    const client = new pg.Client(url);
    await client.connect();
    while (((await client.query(way === 'singleDelete' ? singleDelete : fixedBatch)).rowCount ?? 0) > 0)
      if (way === 'singleDelete') break;
    await client.end();
  }
  const { user, system } = process.cpuUsage(cpu);
  return { from, to: now(), cpuMs: (user + system) / 1_000 };
}
