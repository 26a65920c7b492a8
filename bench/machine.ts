import { cpus, release, totalmem, type } from 'node:os';
import pg from 'pg';
import { numberText } from '../src/lib/sql/summaries.ts';
import type { Arguments } from './arguments.ts';

/** A small server's. Everything else is PostgreSQL's default, fsync and autovacuum too. */
export const serverFlags = ['-c', 'shared_buffers=1GB'];

const shown = ['shared_buffers', 'fsync', 'synchronous_commit', 'max_wal_size', 'checkpoint_timeout', 'autovacuum'];

/** What the figures were taken on, as the first lines of the output. */
export async function describeMachine(url: string, { connections, rate, shuffled }: Arguments): Promise<string> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; value: string }>(
      'select name, current_setting(name) as value from pg_settings where name = any($1) order by name',
      [[...shown, 'server_version']],
    );
    const settings = new Map(rows.map(({ name, value }) => [name, value]));
    return [
      '# Purge bench',
      '',
      `- Machine: ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${gigabytes(totalmem())} GB memory, ${type()} ${release()}, Node.js ${process.versions.node}. Server, load and purge share it.`,
      `- PostgreSQL ${settings.get('server_version')}: ${shown.map((name) => `${name} ${settings.get(name)}`).join(', ')}; the rest default. The table is UNLOGGED, as Microsoft's library makes it.`,
      `- Data: values of 2 to 9 KB with a tail to 50 KB, incompressible, 70 % expired, ${shuffled ? 'at random places in the table' : 'in the order of their last write but for one in ten'}; a fresh copy of one template for each way (CREATE DATABASE … STRATEGY FILE_COPY, then CHECKPOINT), so in the page cache where it fits.`,
      `- Load: ${connections} connections, ${numberText(connections * rate)} operations/s in all at a fixed pace, latency from the instant an operation was due; 80 % reads that slide a live key, 20 % writes that revive an expired one.`,
    ].join('\n');
  } finally {
    await client.end();
  }
}

/** What all cores have done since the machine's start, in ms. */
export function cpuTimes(): { busy: number; all: number } {
  const times = cpus().map(({ times }) => times);
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { busy: all - times.reduce((sum, { idle }) => sum + idle, 0), all };
}

function gigabytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
