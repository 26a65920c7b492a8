import { z } from 'zod';
import { unreadableFigures } from '../unreadableTally.ts';
import { countOf } from '../wording.ts';

const keyCount = z.object({
  count: z.int(),
  estimated: z.boolean().meta({ description: 'Not every key was looked at.' }),
});
export type KeyCount = z.infer<typeof keyCount>;

const prefixCount = z.object({ prefix: z.string(), entries: z.int() });
export type PrefixCount = z.infer<typeof prefixCount>;

const clearedCache = z.object({
  engine: z.literal('redis'),
  prefix: z.string().meta({ description: "The prefix of the cache's keys." }),
  database: z.int().meta({ description: 'The logical database.' }),
  // Reports of earlier versions have none.
  prefixes: z.array(prefixCount).optional().meta({
    description: "Entries found under the prefix, by whose they are: a longer prefix may be another app's.",
  }),
  passedOver: z.int().meta({
    description:
      'Keys under the prefix that are not entries, and were left: not a hash with a field `data`. At most: while Redis resizes its table, SCAN may name one twice.',
  }),
  duration: z.iso.duration(),
  warnings: z.array(z.string()),
  unreadable: unreadableFigures.optional(),
});

/** What a clear of a Redis cache did. */
export const redisClearReport = clearedCache
  .extend({
    dryRun: z.literal(false),
    stopReason: z
      .enum(['drained', 'timeBudget', 'aborted', 'failed'])
      .meta({ description: '`drained`: every primary was gone through to its end. `failed`: an error ended it.' }),
    deleted: z.int(),
    nodes: z.array(z.object({ node: z.string(), deleted: z.int(), complete: z.boolean() })),
    remaining: keyCount.nullable().meta({
      description: 'Entries seen after the pass: new ones, as apps go on. Null after a pass that stopped early.',
    }),
  })
  .meta({ id: 'RedisClearReport' });
export type RedisClearReport = z.infer<typeof redisClearReport>;

/** What a clear would do; nothing was changed. */
export const redisClearPlan = clearedCache
  .extend({
    dryRun: z.literal(true),
    wouldDelete: keyCount,
    nodes: z.array(z.object({ node: z.string(), entries: keyCount })),
  })
  .meta({ id: 'RedisClearPlan' });
export type RedisClearPlan = z.infer<typeof redisClearPlan>;

export const anyRedisClearReport = z.discriminatedUnion('dryRun', [redisClearReport, redisClearPlan]);

/** One line about a clear, for a log or a terminal. */
export function summarizeRedisClear(report: RedisClearReport | RedisClearPlan): string {
  const passedOver = report.passedOver > 0 ? `, ${countOf(report.passedOver, 'other key')} passed over` : '';
  if (report.dryRun) {
    const { count, estimated } = report.wouldDelete;
    return `dry run, would delete ${estimated ? '~' : ''}${countOf(count, 'entry', 'entries')}${passedOver}`;
  }
  const left = report.remaining ? `, ${report.remaining.count.toLocaleString('en-US')} new` : '';
  return `${report.stopReason}, ${countOf(report.deleted, 'entry', 'entries')} deleted${left}${passedOver}`;
}
