/** One way to delete, in a process of its own, so that its peak memory is its own. Started by measure.ts. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { answer, now, optionsOfChild, type PurgeDone, type PurgeWayOptions, readyFor } from './children.ts';
import { shippedPurge } from './shippedPurge.ts';
import { fixedBatch, singleDelete, type Way } from './ways.ts';

type Outcome = Pick<PurgeDone, 'deleted' | 'deletingFrom' | 'notes'>;

const { way, url, idleSeconds } = optionsOfChild<PurgeWayOptions>();
const work = await workOf(way);
await readyFor<'go'>();
const from = now();
const outcome = await work();
answer({ kind: 'done', from, to: now(), ...outcome, peakBytes: peakBytes() });

/** What is measured, connecting included. The purge's modules are loaded before, and only where they are used. */
async function workOf(way: Way): Promise<() => Promise<Outcome>> {
  switch (way) {
    case 'idle':
      return async () => {
        await delay(idleSeconds * 1_000);
        return { deleted: 0, deletingFrom: now(), notes: [] };
      };
    case 'purge':
      return shippedPurge(url, 0);
    case 'purgeWithPauses':
      return shippedPurge(url);
    case 'singleDelete':
      return () => connected((client) => deleted(client, singleDelete));
    case 'fixedLoop':
      return () => connected(untilEmpty);
  }
}

async function connected(run: (client: pg.Client) => Promise<number>): Promise<Outcome> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const deletingFrom = now();
    return { deleted: await run(client), deletingFrom, notes: [] };
  } finally {
    await client.end();
  }
}

async function untilEmpty(client: pg.Client): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < 10_000_000; batch += 1) {
    const rows = await deleted(client, fixedBatch);
    if (rows === 0) break;
    total += rows;
  }
  return total;
}

async function deleted(client: pg.Client, statement: string): Promise<number> {
  return (await client.query(statement)).rowCount ?? 0;
}

/** Linux keeps the parent's peak in a forked child's maxRSS; VmHWM begins anew with the program. */
function peakBytes(): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kilobytes) return Number(kilobytes) * 1_024;
  } catch {
    // No /proc on this system.
  }
  return process.resourceUsage().maxRSS * 1_024;
}
