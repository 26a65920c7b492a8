/**
 * What of an entry tells whether anybody can read it, without its content: the first 20 bytes, which of an encrypted one hold the id
 * of its key, and the last byte, which shows whether plain JSON was cut off.
 */
export interface EntryForm {
  start: Uint8Array;
  end: Uint8Array;
}

export interface FormedEntry extends EntryForm {
  /** Without the prefix of a Redis cache. */
  key: string;
}

export const formBytes = 20;

/** Why nobody can read an entry; `plain` and `encrypted` where the other was said to be expected. */
export const unreadableReasons = [
  'keyInNoRing',
  'keyRevoked',
  'keyDoesNotUnwrap',
  'foreignFormat',
  'plain',
  'encrypted',
] as const;
export type UnreadableReason = (typeof unreadableReasons)[number];

/**
 * Says of each entry why nobody can read it, or undefined where somebody may. Rings are read after the entries that are judged by
 * them: a key that was made meanwhile is in them.
 * @throws MaintenanceError `rings_unreadable`: then nothing may be removed
 */
export type EntryJudge = (entries: readonly FormedEntry[]) => Promise<(UnreadableReason | undefined)[]>;
