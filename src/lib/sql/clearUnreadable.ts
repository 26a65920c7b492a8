import type { EntryJudge } from '../entryForm.ts';
import { UnreadableTally } from '../unreadableTally.ts';
import type { ExpiredEntries } from './cacheTable.ts';
import type { OfClear } from './clear.ts';
import type { ClearPlan, ClearReport } from './clearReport.ts';
import type { Deletion } from './deletion.ts';
import type { DeletionContext } from './purgeRequest.ts';
import type { LeftBehind, Walk } from './walks.ts';

/** Rows of a step of a plan, which deletes nothing. */
const planRows = 1_000;

/**
 * Deletes the entries that nobody can read, along the primary key; the others stay, whatever happens. Each is checked once more by its
 * form on the row that is locked: who has signed in since has written another. A plan, unless confirmed.
 */
export async function clearUnreadable(
  { table, clock }: DeletionContext,
  run: Deletion<OfClear>,
  judge: EntryJudge,
  confirmed: boolean,
): Promise<ClearReport | ClearPlan> {
  const tally = new UnreadableTally(judge);
  // The report of every end has them, with the figures of that moment.
  const known: OfClear = {
    upTo: null,
    remaining: null,
    newer: null,
    get unreadable() {
      return tally.figures;
    },
  };
  if (confirmed) return run.underLock(known, async () => ({ walk: unreadableWalk(table.entries, tally), known }));

  let after: string | undefined;
  while (!tally.complete && clock.elapsed() < run.deadline) {
    const entries = await run.ask(() => table.entries.nextForms(after, planRows));
    tally.gone(await tally.judge(entries));
    tally.looked(entries);
    after = entries.at(-1)?.key;
    tally.complete = after === undefined;
  }
  const found = { count: tally.count, estimated: !tally.complete };
  return {
    engine: table.engine,
    table: table.displayName,
    dryRun: true,
    wouldDelete: found,
    active: found,
    upTo: null,
    way: 'key',
    statement: table.entries.deleteFormsStatement(),
    warnings: [...table.notes],
    unreadable: tally.figures,
  };
}

function unreadableWalk(entries: ExpiredEntries, tally: UnreadableTally): Walk {
  let after: string | undefined;
  // What the database refuses to delete fails the run, and is told.
  const left: LeftBehind = { skippedLocked: 0, kept: [] };
  return {
    way: 'key',
    left,
    async step(limit) {
      const seen = await entries.nextForms(after, limit);
      const unreadable = await tally.judge(seen);
      const { deleted, hitLocks } = await entries.deleteForms(unreadable.map(({ entry }) => entry));
      const gone = new Set(deleted);
      tally.gone(unreadable.filter(({ entry }) => gone.has(entry.key)));
      tally.looked(seen);
      left.skippedLocked += unreadable.length - deleted.length;
      after = seen.at(-1)?.key;
      tally.complete = after === undefined;
      return { deleted: deleted.length, worked: seen.length, hitLocks, finished: tally.complete };
    },
  };
}
