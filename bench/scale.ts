/**
 * `npm run bench:scale`: many caches worked off from the queue by one and more processes, and one large cache drained by
 * continuations while processes are killed. The figures go to stdout as Markdown; a bench is not a test, so it exits 0.
 */
import { cpus, loadavg } from 'node:os';
import { startAzurite } from '../dev/azurite.ts';
import { type LocalPostgres, startPostgres } from '../dev/embeddedPostgres.ts';
import { numberText } from '../src/lib/sql/summaries.ts';
import { serverFlags } from './machine.ts';
import { type Arguments, readArguments } from './scale/arguments.ts';
import { type ChainRound, chainRound } from './scale/chain.ts';
import { type FleetRound, fleetRound } from './scale/fleet.ts';
import { BenchStorage } from './scale/storage.ts';
import { mixedSizes } from './scale/tables.ts';

const args = readArguments();
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)));

const postgres = await startPostgres(serverFlags);
try {
  console.log(
    `# Scale bench\n\n${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node.js ${process.versions.node}, embedded PostgreSQL and Azurite on the same machine; load average ${loadavg()[0]?.toFixed(1)} before.`,
  );
  if (args.caches > 0) await fleet(postgres, args);
  if (args.chainEntries > 0) await chain(postgres, args);
  console.log(`\nLoad average ${loadavg()[0]?.toFixed(1)} after.`);
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.error(`Stopped by ${stop.signal.reason.message}.`);
  process.exitCode = 130;
} finally {
  await postgres.stop();
}
process.exit();

async function fleet(server: LocalPostgres, { caches, largest, workers, atOnce }: Arguments): Promise<void> {
  await server.createDatabase('fleet');
  const tables = mixedSizes(caches, largest).map((entries, index) => ({ name: `cache${index}`, entries }));
  const entries = tables.reduce((sum, table) => sum + table.entries, 0);
  console.log(
    `\n## ${caches} caches of 100 to ${numberText(largest)} entries, ${numberText(entries)} in all, ${atOnce} at once\n\n| workers | all drained after s | first run after s | median | last | deleted | left | live as before | poison |\n| --: | --: | --: | --: | --: | --: | --: | --- | --: |`,
  );
  for (const count of workers) {
    const round = await withStorage((storage) =>
      fleetRound(server.url('fleet'), storage, tables, { workers: count, atOnce }, stop.signal),
    );
    console.log(fleetRow(round));
  }
}

function fleetRow({ workers, drainedSeconds, lateness, deleted, left, liveAsBefore, poisoned }: FleetRound): string {
  const at = (share: number) => (lateness[Math.floor(share * (lateness.length - 1))] ?? 0).toFixed(1);
  return `| ${workers} | ${drainedSeconds.toFixed(1)} | ${at(0)} | ${at(0.5)} | ${at(1)} | ${numberText(deleted)} | ${left} | ${liveAsBefore ? 'yes' : 'NO'} | ${poisoned} |`;
}

async function chain(server: LocalPostgres, { chainEntries, killEverySeconds }: Arguments): Promise<void> {
  await server.createDatabase('chain');
  console.log(
    `\n## One cache of ${numberText(chainEntries)} entries, drained by continuations, two workers\n\n| | s | x undisturbed | kills | parts | deleted, as recorded | incomplete | left | live as before | poison |\n| --- | --: | --: | --: | --: | --: | --- | --: | --- | --: |`,
  );
  const round = (killEveryMs?: number) =>
    withStorage((storage) => chainRound(server.url('chain'), storage, chainEntries, killEveryMs, stop.signal));
  const calm = await round();
  console.log(chainRow('undisturbed', calm, calm));
  const disturbed = await round(killEverySeconds * 1_000);
  console.log(chainRow(`one worker killed every ${killEverySeconds} s`, disturbed, calm));
}

function chainRow(name: string, round: ChainRound, calm: ChainRound): string {
  const { seconds, kills, parts, deleted, incomplete, left, liveAsBefore, poisoned } = round;
  return `| ${name} | ${seconds.toFixed(1)} | ${(seconds / calm.seconds).toFixed(2)} | ${kills} | ${parts} | ${numberText(deleted)} | ${incomplete ? 'yes' : 'no'} | ${left} | ${liveAsBefore ? 'yes' : 'NO'} | ${poisoned} |`;
}

/** A storage of each round's own: nothing of an earlier one is in its queue. */
async function withStorage<T>(round: (storage: BenchStorage) => Promise<T>): Promise<T> {
  const storage = await startAzurite();
  try {
    return await round(new BenchStorage(storage));
  } finally {
    await storage.stop();
  }
}
