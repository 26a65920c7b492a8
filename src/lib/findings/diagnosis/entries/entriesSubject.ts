import { createHash } from 'node:crypto';
import type { EntryState } from '../../../sql/inspection.ts';
import { type EntryKind, keyParts } from '../../../tokenKeys.ts';
import type { EntryFormat } from './entryFormat.ts';

/** An entry as the checks see it, of whatever engine. */
export interface SampledCacheEntry {
  /** Without the prefix of a Redis cache. */
  key: string;
  kind: EntryKind;
  size: number;
  /** Undefined where it never expires. */
  expiresAt: Date | undefined;
  slidingSeconds: number | null;
  format: EntryFormat;
}

/** What an entry is: by its key, or as MSAL's own value under a key that an app chose for a long-running session. */
export function kindOf(key: string, format: EntryFormat): EntryKind {
  const { kind } = keyParts(key);
  return kind === 'other' && (format.kind === 'msal' || format.kind === 'encrypted') ? 'onBehalfOf' : kind;
}

export interface EntryReading {
  entries: SampledCacheEntry[];
  /** Entries of the whole cache, where known. */
  total: number | undefined;
  /** By the server's clock. */
  now: Date;
}

/** Keys of entries name users: a short hash of one is told, unless the operator asks for the key itself. */
export type ShowKey = (key: string) => string;

export function showKeys(inClear: boolean): ShowKey {
  return inClear ? (key) => key : (key) => `#${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
}

/** What is known of a key ring that protects the cache. */
export interface RingKnowledge {
  ring: string;
  /** By key id, in lower case; undefined where the ring could not be read. */
  keys: ReadonlyMap<string, { revoked: boolean; unwraps: boolean | null }> | undefined;
  /** Why the ring could not be read. */
  problem: string | null;
}

export type Engine = 'sqlserver' | 'postgres' | 'redis';

/** What keeps apart what shares a cache. */
export const ownPlace: Record<Engine, string> = {
  sqlserver: 'a table of their own',
  postgres: 'a table of their own',
  redis: 'an InstanceName of their own',
};

/** A cache whose entries are sampled: what the checks of entries need. */
export interface EntriesSubject {
  name: string;
  engine: Engine;
  showKey: ShowKey;
  /** One random sample for all checks. */
  entries(): Promise<EntryReading>;
  /** The rings that the settings tie to this cache, or all where none is tied. */
  rings(): Promise<RingKnowledge[]>;
  lookups(): Promise<EntryLookups>;
  /** Whether keys that look foreign are tokens behind another prefix, which a check of its own tells. */
  prefixDiffers?(): Promise<boolean>;
}

/** The command that removes entries; without `--confirm` it is a plan. */
export function clearCommand(name: string, ...options: string[]): string {
  return `\`${['token-cache clear', ...options, `--cache ${name}`, `--confirm ${name}`].join(' ')}\``;
}

/** Looks at single entries of a cache, beside the sample. */
export interface EntryLookups {
  state(key: string): Promise<EntryState | undefined>;
  /** Keys that begin so: of a SQL cache all, of a Redis those of the sample. */
  keysWithPrefix(prefix: string, limit: number): Promise<string[]>;
  /** Keys of entries that were touched last, as far as the cache can tell. */
  latestKeys(limit: number): Promise<string[]>;
}

/** The same sample without what has expired: no reader gets that any more, so it causes no failed read. */
export async function livingEntries(subject: EntriesSubject): Promise<EntryReading> {
  const reading = await subject.entries();
  const living = reading.entries.filter(({ expiresAt }) => !expiresAt || expiresAt >= reading.now);
  if (living.length === reading.entries.length) return reading;
  const share = living.length / reading.entries.length;
  return {
    ...reading,
    entries: living,
    total: reading.total === undefined ? undefined : Math.round(reading.total * share),
  };
}

/** As many of the whole cache as `found` of the sample; at least as many as were found. */
export function scaled(found: number, { entries, total }: EntryReading): number {
  if (total === undefined || entries.length === 0 || total <= entries.length) return found;
  return Math.max(found, Math.round((found / entries.length) * total));
}
