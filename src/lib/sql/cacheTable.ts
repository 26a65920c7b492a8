/**
 * The port of a SQL token cache: what the jobs ask of a database, and all that an adapter has to know. An adapter turns
 * each function into statements of its engine; hints, editions and error numbers stay behind it. It decides nothing:
 * sizes, pauses, budgets and when to stop are the jobs'. `test/conformance/cacheTable.ts` holds what each must do.
 */

import { z } from 'zod';
import type { FormedEntry } from '../entryForm.ts';
import type { TableInspection } from './inspection.ts';

export const sqlEngine = z.enum(['sqlserver', 'postgres']);
export type SqlEngine = z.infer<typeof sqlEngine>;

/** A point in time as the engine keeps it, in full precision. Jobs hand it back as they got it and never look inside. */
export type Instant = string & { readonly instant: unique symbol };

/** Rows in order of expiry, after `after` (exclusive; from the oldest if undefined) and up to `upTo` (inclusive). */
export interface ExpiryRange {
  after: Instant | undefined;
  upTo: Instant;
  /** Rows seen in it, at most the limit asked for. */
  rows: number;
  /** More rows than `rows` lie in it, since rows beyond the limit share the expiry `upTo`. */
  tied: boolean;
}

/** Ranges that follow each other, the first after `after`, up to the first that is `tied`: behind it the rows shift. */
export function chained(after: Instant | undefined, bounds: readonly Omit<ExpiryRange, 'after'>[]): ExpiryRange[] {
  const tied = bounds.findIndex((range) => range.tied);
  const usable = tied < 0 ? bounds : bounds.slice(0, tied + 1);
  return usable.map((range, index) => ({ ...range, after: usable[index - 1]?.upTo ?? after }));
}

/** Rows in order of the primary key, after `after` (exclusive) and up to `upTo` (inclusive). */
interface KeyRange {
  after: string | undefined;
  upTo: string;
}

export interface LatestExpiry {
  instant: Instant;
  /** The same to the millisecond; null at the end of time, where nothing is later. */
  at: Date | null;
}

export const keptRows = z.object({
  entries: z.int().nullable().meta({ description: 'Null where they are hidden, so that nobody can count them.' }),
  cause: z.string().meta({ description: 'The constraint, trigger, rule or policy; the first of its messages.' }),
  advice: z.string(),
});
export type KeptRows = z.infer<typeof keptRows>;

/** What one batch, a transaction of its own, did. */
export interface BatchOutcome {
  deleted: number;
  /** Rows were locked by somebody else: the batch waited for the short lock timeout, or passed over them. */
  hitLocks: boolean;
  /**
   * Expired rows left in the range since somebody held them locked; undefined where that is not known. Always known of a
   * key range that is done.
   */
  skipped?: number;
  /** Expired rows left in the range since the database refuses to delete them, by what keeps them. */
  kept?: KeptRows[];
  /** But for `skipped` and `kept` nothing to delete is left in the range, though fewer rows were deleted than had been seen. */
  whole?: boolean;
}

export const purgeWay = z.enum(['expiry', 'key', 'pages']).meta({
  description:
    'Along the expiry index; along the primary key where there is no such index; a large backlog page by page first.',
});
export type PurgeWay = z.infer<typeof purgeWay>;

/**
 * What may be deleted. A Date, for a purge: entries that expired before it, checked against the database's clock too. An
 * Instant, for a clear: every entry whose expiry is not later, alive or not.
 */
export type Cutoff = Date | Instant;

/** Whether live entries may go as well. */
export function coversLive(cutoff: Cutoff): cutoff is Instant {
  return typeof cutoff === 'string';
}

/** The entries that a purge or a clear deletes. Every `cutoff` is checked again on the row that is locked. */
export interface ExpiredEntries {
  /** The largest expiry, the cut-off of a clear; undefined in an empty table. */
  latestExpiry(): Promise<LatestExpiry | undefined>;
  /** Whether there are entries without an expiry: a clear takes them, and only along the primary key. */
  hasUndated(): Promise<boolean>;
  /**
   * The next ranges of at most `limit` rows each (more where `tied`) within `cutoff`, by one read, at most `count` of them,
   * and none behind one that is `tied`; empty where there is none.
   */
  nextRanges(after: Instant | undefined, cutoff: Cutoff, limit: number, count: number): Promise<ExpiryRange[]>;
  /** Deletes at most `limit` rows of `range` within `cutoff`, passing over rows that others hold locked. */
  deleteRange(range: ExpiryRange, cutoff: Cutoff, limit: number): Promise<BatchOutcome>;
  /** The next range of at most `limit` rows by primary key, expired or not; undefined at the end of the table. */
  nextKeyRange(after: string | undefined, limit: number): Promise<KeyRange | undefined>;
  /** Deletes the rows of `range` within `cutoff`, passing over rows that others hold locked. */
  deleteKeyRange(range: KeyRange, cutoff: Cutoff): Promise<BatchOutcome>;
  /** The next unexpired entries in order of the primary key, at most `limit`, with their forms; empty at the end of the table. */
  nextForms(after: string | undefined, limit: number): Promise<FormedEntry[]>;
  /**
   * Deletes those of the entries whose form is still the same, passing over rows that others hold locked.
   * @returns keys of the entries that are gone
   */
  deleteForms(entries: readonly FormedEntry[]): Promise<{ deleted: string[]; hitLocks: boolean }>;
  /** The text of the statement that `deleteForms` runs. */
  deleteFormsStatement(): string;
  /** The text of the statement that `deleteRange` (`expiry`) or `deleteKeyRange` (`key`) runs, for a dry run to show. */
  deleteStatement(way: PurgeWay, withLive?: boolean): string;
}

/** Deleting in the order of storage: the fastest way through a large backlog, since it touches each page once. */
export interface StoredPages {
  /** Pages of the table now; 0 where this server cannot read by page. */
  count(): Promise<number>;
  /** Deletes the rows of the pages `from` to `to` (exclusive) that expired before `cutoff`, passing over locked ones. */
  deletePages(from: number, to: number, cutoff: Date): Promise<BatchOutcome>;
}

export type ExpiryIndexState =
  /** A usable index leads with the expiry column. */
  | { kind: 'present'; name: string }
  | { kind: 'missing' }
  /** A build is under way, in whatever session. `percent` where the database tells. */
  | { kind: 'building'; name: string | undefined; percent: number | undefined; phase: string | undefined }
  /** A resumable build waits to be resumed. */
  | { kind: 'paused'; name: string; percent: number }
  /** The leftover of a build that broke off. */
  | { kind: 'invalid'; name: string }
  | { kind: 'disabled'; name: string };

export interface IndexBuild {
  /** `observe`: nothing is built. A missing index is told, with the statement for whoever may run it. */
  mode?: 'manage' | 'observe' | undefined;
  /** Name for an index that is created; resumed and rebuilt ones keep theirs. Left out, the engine's own for this table. */
  name?: string | undefined;
  /** The call returns after about this time, the build finished or not. */
  timeBudgetMs: number;
  /** An offline build, which blocks writers while it lasts, is allowed up to this many rows; Infinity allows every one. */
  offlineRowLimit: number;
}

export interface ExpiryIndexPort {
  state(): Promise<ExpiryIndexState>;
  /** Whether this login may build it, by the catalogue; undefined where the server does not say. */
  mayBuild(): Promise<boolean | undefined>;
  /** The statement that brings it forward from `state`, for somebody to run who may. */
  manual(state: ExpiryIndexState, name?: string): Promise<string>;
  /**
   * Brings the index forward from `state`: creates, resumes, rebuilds, or drops the leftover and creates. Returns when
   * it is done or the budget is used up; the caller looks at `state()` to see which. An index that somebody else has
   * created meanwhile is not an error.
   * @throws MaintenanceError `offline_build_refused` where only an offline build is possible and the table is too large.
   */
  build(state: ExpiryIndexState, build: IndexBuild): Promise<void>;
}

/** What the catalogue knows, without reading the table. */
interface CatalogueFigures {
  /** Undefined where the catalogue has no figure or may not be read. */
  entries: number | undefined;
  /** The catalogue keeps the number of rows with each transaction; else it may be as old as the last statistics. */
  entriesExact: boolean;
  dataBytes: number | undefined;
  indexBytes: number | undefined;
}

/** The last instant that a Date can hold. */
export const never = 8.64e15;

/** Two numbers of each entry, in the same order: thousands of objects would cost a run ten times the memory. */
export interface EntrySample {
  /** Some unexpired entries by the first 20 bytes of their values, those alone that are encrypted. */
  headers: readonly { header: Uint8Array; entries: number }[];
  /** Bytes of the value. */
  sizes: readonly number[];
  /** Milliseconds since 1970; {@link never} of one that never expires. */
  expiries: readonly number[];
}

export interface TableFigures {
  catalogue(): Promise<CatalogueFigures>;
  /**
   * Counts rows with `from <= expiry < before` (either bound may be missing), at most `limit` of them and for at most
   * about `timeLimitMs`. Undefined where the time was up.
   */
  countUpTo(bounds: { from?: Date; before?: Date }, limit: number, timeLimitMs: number): Promise<number | undefined>;
  /** Counts entries without an expiry, which no read ever finds; 0 where the table takes none. Undefined where the time was up. */
  countUndated(limit: number, timeLimitMs: number): Promise<number | undefined>;
  /**
   * The smallest expiry; null in an empty table, undefined where finding it took longer than `timeLimitMs`.
   */
  oldestExpiry(timeLimitMs: number): Promise<Date | null | undefined>;
  /** What has expired before `before`, by the expiry index: the smallest expiry of all, and the rows, counted up to `limit`. */
  backlog(before: Date, limit: number): Promise<{ oldest: Date | null; rows: number }>;
  /**
   * Unexpired entries by the first 20 bytes of their values, those alone whose values begin with `mark`. Reads the whole
   * table: undefined where that takes longer than `timeLimitMs`.
   */
  countByHeader(mark: Uint8Array, timeLimitMs: number): Promise<{ header: Uint8Array; entries: number }[] | undefined>;
  /**
   * Until when the longest-lived unexpired entry can live: its absolute expiration, or else its expiry. Those that never
   * expire (.NET's DateTimeOffset.MaxValue) are left out. Undefined where there is none, and where finding it takes longer
   * than `timeLimitMs`.
   */
  longestLivedUntil(timeLimitMs: number): Promise<Date | undefined>;
  /**
   * A random sample of about `rows` rows, from a bounded number of pages. At least `headers` of the unexpired ones have their
   * beginnings read, or all: each may cost a read beyond the row.
   */
  sample(rows: number, headers?: number): Promise<EntrySample>;
  /**
   * The first 20 bytes of each value of such a sample: an encrypted entry has the mark there, and the id of the key that protects
   * it. An entry that has expired is left out.
   */
  sampleHeaders(rows: number): Promise<Uint8Array[]>;
}

export type LoadReading = 'cpuPercent' | 'logWritePercent' | 'dataIoPercent' | 'lockWaits';

export interface DatabaseLoad {
  readings: Partial<Record<LoadReading, number>>;
  /** What could not be read, and what it would need; the run says so once. */
  unknown: string[];
}

/** What the engine's own statistics know of the web app's purge; instants are the database's. */
export const appPurge = z.discriminatedUnion('state', [
  z.object({
    state: z.enum(['running', 'stopped']).meta({ description: '`running`: within the last day.' }),
    lastRunAt: z.iso.datetime(),
    lastDuration: z.iso.duration(),
    lastOutcome: z.enum(['done', 'cancelled', 'failed', 'unknown']),
    longest: z.iso.duration(),
    runs: z.int(),
  }),
  z.object({
    state: z
      .literal('counted')
      .meta({ description: 'It ran so often since statistics are kept; when, they do not tell.' }),
    runs: z.int(),
    longest: z.iso.duration(),
    roseAt: z.iso.datetime().nullable().default(null).meta({
      description: 'The last look that saw more runs than the one before; null where none did.',
    }),
  }),
  z.object({ state: z.literal('notSeen') }),
  z.object({ state: z.literal('unknown'), reason: z.string() }),
]);
export type AppPurge = z.infer<typeof appPurge>;

/** One run's hold on the table. It lives on a connection of its own, and dies with it: a killed process leaves none. */
export interface RunLock {
  /** False once the connection was lost: another run may have taken over. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

export interface CacheTable {
  readonly engine: SqlEngine;
  /** The table's name, delimited as the engine writes it. */
  readonly displayName: string;
  /** Rows that one batch may lock at most, for the engine's own reasons. */
  readonly maxBatchRows: number;
  /**
   * The database's clock. The first contact of a run: a missing table, column or login is reported here, a table of a kind
   * that no job can work on, and, of a run that is going to delete, a right that is missing or a server that only reads.
   */
  clock(purpose?: 'read' | 'delete'): Promise<Date>;
  /** Those parts of a table of which every entry expired before `cutoff`; undefined where finding that took too long. */
  expiredParts(cutoff: Date): Promise<string[] | undefined>;
  /**
   * The time of a run: each statement that begins from now on ends within it, but for a last look, and no more than a tenth
   * goes into finding single rows that cannot be deleted.
   */
  endWithin(ms: number): void;
  /** Takes the table's lock for `purpose` without waiting; undefined where another run holds it. */
  tryLock(purpose: 'purge' | 'index'): Promise<RunLock | undefined>;
  /** Whether a run holds that lock. Takes none, and waits for nobody. */
  isLocked(purpose: 'purge' | 'index'): Promise<boolean>;
  /** Who holds that lock now, for a reader; undefined where nobody does any more. */
  lockHolder(purpose: 'purge' | 'index'): Promise<string | undefined>;
  load(): Promise<DatabaseLoad>;
  readonly entries: ExpiredEntries;
  /** Only of an engine that can read a table page by page. */
  readonly pages?: StoredPages;
  readonly expiryIndex: ExpiryIndexPort;
  readonly figures: TableFigures;
  /** What a diagnosis asks beyond the jobs. */
  readonly inspection: TableInspection;
  /** Whether the web app still purges the table itself, by the engine's statistics of statements; one look, which costs some ms. */
  appPurge(): Promise<AppPurge>;
  /** Rows that are hidden from this login, where there may be any; known after the first contact. */
  readonly hidden?: KeptRows | undefined;
  /** What the server refused in this run, and what was done instead; the report says so. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}
