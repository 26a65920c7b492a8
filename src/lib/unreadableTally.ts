import { z } from 'zod';
import { type EntryJudge, type FormedEntry, type UnreadableReason, unreadableReasons } from './entryForm.ts';
import { tokenKey } from './tokenKeys.ts';
import { countOf } from './wording.ts';

/** What a clear of unreadable entries has to say besides: whom it concerns, and whom a whole clear would have. */
export const unreadableFigures = z
  .object({
    reasons: z.partialRecord(z.enum(unreadableReasons), z.int()).meta({
      description:
        'How many entries nobody can read, by the reason; of a clear that was done, those that were removed.',
    }),
    users: z.int().meta({ description: 'Entries of users among them, each of whom signs in once more.' }),
    usersOfAll: z.int().meta({ description: 'Users that a clear of the whole cache would have signed out.' }),
    looked: z.int().meta({ description: 'Entries that were looked at.' }),
    complete: z.boolean().meta({ description: 'Every entry was looked at; else it went as far as the time.' }),
  })
  .meta({ id: 'UnreadableFigures' });
export type UnreadableFigures = z.infer<typeof unreadableFigures>;

/** Judges entries, batch by batch, and keeps the figures. */
export class UnreadableTally {
  readonly #judge: EntryJudge;
  readonly #reasons = new Map<UnreadableReason, number>();
  #users = 0;
  #usersOfAll = 0;
  #looked = 0;
  complete = false;

  constructor(judge: EntryJudge) {
    this.#judge = judge;
  }

  /** Those of the entries that nobody can read. They count once `gone` is told of them. */
  async judge<E extends FormedEntry>(entries: readonly E[]): Promise<{ entry: E; reason: UnreadableReason }[]> {
    const reasons = await this.#judge(entries);
    return entries.flatMap((entry, index) => {
      const reason = reasons[index];
      return reason ? [{ entry, reason }] : [];
    });
  }

  looked(entries: readonly FormedEntry[]): void {
    this.#looked += entries.length;
    this.#usersOfAll += entries.filter(isUser).length;
  }

  gone(entries: readonly { entry: FormedEntry; reason: UnreadableReason }[]): void {
    for (const { reason } of entries) this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    this.#users += entries.filter(({ entry }) => isUser(entry)).length;
  }

  get figures(): UnreadableFigures {
    return {
      reasons: Object.fromEntries(this.#reasons),
      users: this.#users,
      usersOfAll: this.#usersOfAll,
      looked: this.#looked,
      complete: this.complete,
    };
  }

  get count(): number {
    return [...this.#reasons.values()].reduce((sum, count) => sum + count, 0);
  }
}

const isUser = ({ key }: FormedEntry) => tokenKey(key)?.kind === 'user';

const words: Record<UnreadableReason, string> = {
  keyInNoRing: 'under a key in no ring',
  keyRevoked: 'under a revoked key',
  keyDoesNotUnwrap: 'under a key that does not unwrap',
  foreignFormat: 'of a foreign format',
  plain: 'plain',
  encrypted: 'encrypted',
};

/** `3 under a revoked key, 1 of a foreign format`. */
export function reasonsText({ reasons }: UnreadableFigures): string {
  return (
    unreadableReasons
      .flatMap((reason) => (reasons[reason] ? [`${reasons[reason]} ${words[reason]}`] : []))
      .join(', ') || 'none'
  );
}

export function usersText({ users, usersOfAll, complete }: UnreadableFigures): string {
  return `${countOf(users, 'user')} once more; a clear of the whole cache: ${complete ? '' : 'at least '}${usersOfAll.toLocaleString('en-US')}`;
}
