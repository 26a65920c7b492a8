import type { FormedEntry } from '../../entryForm.ts';
import {
  type BatchOutcome,
  type Cutoff,
  chained,
  coversLive,
  type ExpiredEntries,
  type Instant,
} from '../cacheTable.ts';
import { CacheTableError, unlessRefused } from '../cacheTableError.ts';
import type { Narrowing } from '../narrowing.ts';
import type { SqlServerConnections } from './connections.ts';
import { fromInstant, toInstant } from './instant.ts';
import { bytes, expiry, int, key, named, type Parameters, text as textOf } from './parameters.ts';
import * as statements from './statements.ts';
import type { TableTraits } from './tableTraits.ts';

/** More keys than a range of them has: the batch limit of the adapter is below. */
const keysOfRange = 5_000;

type Value = Parameters[string];
const at = (instant: Instant) => expiry(fromInstant(instant));
const cutoffValue = (cutoff: Cutoff) => (coversLive(cutoff) ? at(cutoff) : expiry(cutoff));

/** Reads and deletes expired entries. READPAST passes over locked rows; what else is in the way of a batch is narrowed down. */
export function sqlServerEntries(
  connections: SqlServerConnections,
  traits: () => Promise<TableTraits | undefined>,
  narrowing: Narrowing,
): ExpiredEntries {
  const { table } = connections;
  const query = <R>(text: string, parameters: Parameters) => connections.query<R>('delete', text, parameters);

  /** The rows of a range, by expiry or by key: all at once, or around the locked ones where READPAST is refused. */
  const remove = async (
    byKey: boolean,
    cutoff: Cutoff,
    limit: number,
    upTo: Value,
    after: Value | undefined,
  ): Promise<BatchOutcome> => {
    const flags = [after !== undefined, coversLive(cutoff)] as const;
    const text = (byKey ? statements.deleteKeyRange : statements.deleteRange)(table, ...flags);
    const bounds = { cutoff: cutoffValue(cutoff), upTo, ...(after && { after }) };
    const proof = await beforeProof([byKey, ...flags], bounds);
    const outcome = await removeIn(text, [byKey, ...flags], bounds, limit);
    if (outcome.deleted > 0) await proof?.();
    return outcome;
  };

  const removeIn = async (
    text: string,
    flags: readonly [byKey: boolean, hasAfter: boolean, withLive: boolean],
    bounds: Parameters,
    limit: number,
  ): Promise<BatchOutcome> => {
    try {
      const whole = flags[0] ? bounds : { ...bounds, limit: int(limit) };
      const [row] = await query<{ deleted: number; skipped?: number }>(text, whole);
      return { deleted: 0, hitLocks: false, ...row };
    } catch (error) {
      const kind = error instanceof CacheTableError ? error.kind : undefined;
      if (kind !== 'rows' && (kind !== 'lock' || connections.usesHints)) throw error;
      return removeAround(flags, bounds, limit);
    }
  };

  let proven = false;
  /**
   * For the first batch that deletes: an INSTEAD OF trigger takes the place of a delete, whose rows the server counts all the
   * same. Where every row is still there, the run ends, and would else go on until its time is up.
   */
  const beforeProof = async (flags: readonly [boolean, boolean, boolean], bounds: Parameters) => {
    if (proven) return undefined;
    const page = { ...bounds, limit: int(keysOfRange), afterKey: key(null) };
    const keys = () => query<{ id: string }>(statements.deletableKeys(table, ...flags), page);
    const before = await keys();
    // Where there are more, the server may have deleted others.
    if (before.length === 0 || before.length === keysOfRange) return undefined;
    return async () => {
      const after = new Set((await keys()).map(({ id }) => id));
      proven = before.some(({ id }) => !after.has(id));
      if (!proven) throw notDeleted(table);
    };
  };

  /** Undefined where the error is of another kind, or the catalogue does not tell. */
  const referrerOf = async ({ engineCode, message }: CacheTableError): Promise<statements.Referrer | undefined> => {
    const [, name] = /constraint "(.+?)"\. The conflict/.exec(message) ?? [];
    if (engineCode !== '547' || !name) return undefined;
    const parameters = { ...named(table), constraint: textOf(128, name) };
    const found = connections.query<statements.Referrer>('read', statements.foreignKey(), parameters);
    const rows = await unlessRefused(found);
    return rows?.length === 1 ? rows[0] : undefined;
  };

  const between = (keys: readonly string[]) => ({ firstKey: key(keys[0] ?? null), lastKey: key(keys.at(-1) ?? null) });

  /** Around single rows: those that are locked, where READPAST is refused, and those that cannot be deleted. */
  const removeAround = (flags: readonly [boolean, boolean, boolean], bounds: Parameters, limit: number) => {
    // Those that refer to the keys which were read last: such rows are known and passed over.
    let referrers: statements.Referrer[] = [];
    return narrowing.removeAround(
      {
        keys: async (after, most) => {
          referrers = [];
          const page = { ...bounds, limit: int(most), afterKey: key(after ?? null) };
          return (await query<{ id: string }>(statements.deletableKeys(table, ...flags), page)).map(({ id }) => id);
        },
        remove: async (keys) => {
          const text = statements.deleteKeys(table, ...flags, referrers);
          const parameters = { ...bounds, ...between(keys), limit: int(keys.length) };
          return (await query<{ deleted: number }>(text, parameters))[0]?.deleted ?? 0;
        },
        heldBy: async (keys, error) => {
          const found = await referrerOf(error);
          if (
            !found ||
            referrers.some(({ referrer, column }) => referrer === found.referrer && column === found.column)
          )
            return undefined;
          const text = statements.referredKeys(table, found);
          const held = await unlessRefused(connections.query<{ id: string }>('read', text, between(keys)));
          if (!held) return undefined;
          referrers.push(found);
          const asked = new Set(keys);
          return held.map(({ id }) => id).filter((id) => asked.has(id));
        },
        // No keeper is named, so nobody asks.
        left: async () => 0,
        probe: () => query(statements.probeTableLock(table), {}),
      },
      limit,
    );
  };

  const removeForms = async (entries: readonly FormedEntry[]): Promise<string[]> => {
    const places = Array.from({ length: statements.formsPerDelete }, (_, n) => [
      [`id${n}`, key(entries[n]?.key ?? null)],
      [`start${n}`, bytes(entries[n]?.start ?? new Uint8Array())],
      [`end${n}`, bytes(entries[n]?.end ?? new Uint8Array())],
    ]);
    const rows = await query<{ id: string }>(statements.deleteForms(table), Object.fromEntries(places.flat()));
    return rows.map(({ id }) => id);
  };

  return {
    async latestExpiry() {
      const text = statements.latestExpiry(table);
      const [row] = await connections.query<{ latest: Date | null; filled: number }>('read', text);
      // Entries without an expiry alone.
      if (row?.filled === 1 && !row.latest)
        return { instant: toInstant(new Date('0001-01-01T00:00:00Z')), at: new Date(0) };
      if (!row?.latest) return undefined;
      return { instant: toInstant(row.latest), at: row.latest.getUTCFullYear() < 9999 ? row.latest : null };
    },

    hasUndated: async () =>
      (await traits())?.expiryNullable === true &&
      (await connections.query<{ rows: number }>('read', statements.countUndated(table), { limit: int(1) }))[0]
        ?.rows === 1,

    async nextRanges(after, cutoff, limit, count) {
      const rows = await query<{ rows: number; upTo: Date; following: Date | null }>(
        statements.nextRanges(table, after !== undefined, coversLive(cutoff)),
        { cutoff: cutoffValue(cutoff), limit: int(limit), count: int(count), ...(after && { after: at(after) }) },
      );
      return chained(
        after,
        rows.slice(0, count).map(({ rows: seen, following, ...row }) => {
          const upTo = toInstant(row.upTo);
          return { rows: seen, upTo, tied: following !== null && toInstant(following) === upTo };
        }),
      );
    },

    deleteRange: ({ after, upTo }, cutoff, limit) =>
      remove(false, cutoff, limit, at(earlier(upTo, cutoff)), after && at(after)),

    async nextKeyRange(after, limit) {
      const [row] = await query<{ upTo: string | null }>(statements.nextKeyRange(table, after !== undefined), {
        limit: int(limit),
        ...(after !== undefined && { after: key(after) }),
      });
      return row?.upTo == null ? undefined : { after, upTo: row.upTo };
    },

    deleteKeyRange: ({ after, upTo }, cutoff) =>
      remove(true, cutoff, keysOfRange, key(upTo), after === undefined ? undefined : key(after)),

    async nextForms(after, limit) {
      const rows = await query<{ id: string; formStart: Buffer; formEnd: Buffer }>(
        statements.nextForms(table, after !== undefined),
        { limit: int(limit), ...(after !== undefined && { after: key(after) }) },
      );
      return rows.map(({ id, formStart, formEnd }) => ({ key: id, start: formStart, end: formEnd }));
    },

    async deleteForms(entries) {
      const deleted: string[] = [];
      for (let from = 0; from < entries.length; from += statements.formsPerDelete) {
        const some = entries.slice(from, from + statements.formsPerDelete);
        try {
          deleted.push(...(await removeForms(some)));
        } catch (error) {
          if (!isLock(error)) throw error;
          // Without READPAST a locked row stops the statement: alone it stops itself.
          for (const entry of some) deleted.push(...(await removeForms([entry]).catch(unlessLocked)));
        }
      }
      return { deleted, hitLocks: deleted.length < entries.length };
    },

    deleteFormsStatement: () => statements.deleteForms(table).trim(),

    deleteStatement: (way, withLive = false) =>
      (way === 'key' ? statements.deleteKeyRange : statements.deleteRange)(table, true, withLive).trim(),
  };
}

/** The smaller of the two bounds: the one that the index is sought by. An instant is its ISO text, which sorts as it does. */
function earlier(upTo: Instant, cutoff: Cutoff): Instant {
  const bound = coversLive(cutoff) ? cutoff : toInstant(cutoff);
  return bound < upTo ? bound : upTo;
}

function unlessLocked(error: unknown): string[] {
  if (isLock(error)) return [];
  throw error;
}

function notDeleted(table: string): CacheTableError {
  return new CacheTableError(
    'permanent',
    'INSTEAD OF',
    'row_refused',
    `The server counted entries of ${table} as deleted, and every one is still there.`,
    'An INSTEAD OF DELETE trigger of the table takes the place of the delete (sys.triggers, is_instead_of_trigger): drop it, a token cache needs none.',
  );
}

function isLock(error: unknown): boolean {
  return error instanceof CacheTableError && error.kind === 'lock';
}
