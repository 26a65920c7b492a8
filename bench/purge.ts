/**
 * `npm run bench:purge`: how fast the purge deletes and what the sign-ins feel of it, beside the other ways to delete
 * expired entries, on the same data in one run. The figures go to stdout as Markdown; a bench is not a test, so it exits 0.
 */
import { type LocalPostgres, startPostgres } from '../dev/embeddedPostgres.ts';
import { numberText } from '../src/lib/sql/summaries.ts';
import { type Arguments, readArguments, roundsOf } from './arguments.ts';
import { Databases } from './databases.ts';
import { describeMachine, serverFlags } from './machine.ts';
import { type Measurement, measure } from './measure.ts';
import { type SizeFigures, sizeFigures } from './sizeFigures.ts';
import { notesOf, tableOf } from './sizeTable.ts';
import { summaryOf } from './summary.ts';
import { ways } from './ways.ts';

const args = readArguments();
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)));

const started = performance.now();
say('Starting an embedded PostgreSQL …');
const postgres = await startPostgres(serverFlags);
try {
  console.log(await describeMachine(postgres.url('postgres'), args));
  const sizes: SizeFigures[] = [];
  for (const entries of args.entries) {
    const size = await benchSize(postgres, entries, args);
    sizes.push(size);
    console.log(`\n${tableOf(size)}${notesOf(size)}`);
  }
  console.log(`\n${summaryOf(sizes)}`);
  say(`The whole bench took ${seconds(started)}.`);
} catch (error) {
  if (!stop.signal.aborted) throw error;
  say(`Stopped by ${stop.signal.reason.message}.`);
  process.exitCode = 130;
} finally {
  await postgres.stop();
}
process.exit();

/** Every way on its own fresh copy of one template, one after the other; the next round begins again with the first. */
async function benchSize(server: LocalPostgres, entries: number, options: Arguments): Promise<SizeFigures> {
  const databases = new Databases(server);
  const rounds = roundsOf(options, entries);
  const seeding = performance.now();
  say(`${numberText(entries)} entries: seeding …`);
  await databases.seedTemplate(entries, options.shuffled, stop.signal);
  say(`${numberText(entries)} entries: seeded in ${seconds(seeding)}; ${rounds} round(s).`);
  const measured: Measurement[][] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const row: Measurement[] = [];
      for (const way of ways) {
        const measurement = await measure(databases, way, { ...options, rounds }, stop.signal);
        const { deleted, from, to } = measurement.done;
        say(`  round ${round + 1}: ${way}, ${numberText(deleted)} rows in ${((to - from) / 1_000).toFixed(2)} s`);
        row.push(measurement);
      }
      measured.push(row);
    }
  } finally {
    await databases.dropTemplate();
  }
  return sizeFigures(entries, measured);
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(0)} s`;
}

function say(text: string): void {
  console.error(text);
}
