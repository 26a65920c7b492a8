import { humanDuration } from '../../durations.ts';
import type { Level } from '../../level.ts';
import { bytesText, percentText } from '../../wording.ts';
import type { NodeSubject } from '../subject.ts';
import { graded, type Rule } from './rule.ts';

const day = 86_400_000;

/** The finding of a full memory has a name for each level. */
export const memoryCheck = (level: Level) => (level === 'critical' ? 'redis-memory-critical' : 'redis-memory-high');

/** Memory, and what happens when it is full. */
export const memoryRules: Rule<NodeSubject>[] = [
  {
    check: 'memory',
    nameOf: memoryCheck,
    judge: ({ utilization, usedBytes, maxBytes, figures }, { memory }, previous) =>
      utilization === null
        ? maxBytes !== 0 && { unseen: 'how much of its memory is used' }
        : graded({ value: utilization * 100, ...memory, margin: 10 }, previous, () => ({
            what: `${percentText(utilization * 100)} of the memory is used${usedBytes === null || !maxBytes ? '' : ` (${bytesText(usedBytes)} of ${bytesText(maxBytes)})`}.`,
            advice: `When it is full, ${whenFull(figures.memory.policy)}. Enlarge the cache, or shorten the expiry of its entries, before that.`,
          })),
  },
  {
    check: 'timeUntilFull',
    judge: ({ untilFullMs, bytesPerDay, usedBytes, maxBytes }, { full }, previous) =>
      untilFullMs === null || bytesPerDay === null
        ? (usedBytes === null || maxBytes === null) && { unseen: 'how much of its memory is used' }
        : graded({ value: untilFullMs, ...full, margin: day, low: true }, previous, () => ({
            what: `At ${bytesText(bytesPerDay)} more a day, the memory is full in ${humanDuration(untilFullMs)}.`,
            advice: 'Enlarge the cache in time, or find out what grows: keysWithoutTtl says which keys never expire.',
          })),
  },
  {
    check: 'noMemoryLimit',
    judge: ({ maxBytes, figures }) =>
      maxBytes === 0
        ? {
            level: 'warning',
            what: 'The server has no maxmemory.',
            advice:
              'Without a limit it grows until the system ends it, and every session with it. Set maxmemory to some 75 % of the machine, with the policy volatile-lru.',
          }
        : maxBytes === null
          ? {
              level: 'info',
              what: `The server does not say how much memory it may use${figures.memory.usedBytes === null ? '' : ` (it uses ${bytesText(figures.memory.usedBytes)})`}.`,
              advice:
                'Set TOKEN_CACHE_MAX_MEMORY to the size of the tier, or TOKEN_CACHE_RESOURCE_ID to read it from Azure Monitor: without it nothing can be said about how full the cache is.',
            }
          : undefined,
  },
  {
    check: 'evictionPolicy',
    judge: ({ figures: { memory }, cache }, thresholds) => {
      const { policy } = memory;
      const advice = 'Set maxmemory-policy to volatile-lru (or volatile-ttl), and give every entry an expiry.';
      if (policy === null) return { unseen: 'its maxmemory-policy' };
      const setting = `The maxmemory-policy is ${policy}`;
      if (policy === 'noeviction')
        return {
          level: 'warning',
          what: `${setting}: when the memory is full every write fails, and nobody new can sign in.`,
          advice,
        };
      if (policy.startsWith('allkeys-'))
        return {
          level: 'warning',
          what: `${setting}: it evicts any key, those of signed-in users and a key ring included.`,
          advice,
        };
      const { keys, keysWithoutTtl } = cache;
      const withoutTtl =
        keys === null || keysWithoutTtl === null ? null : keys === 0 ? 0 : (keysWithoutTtl / keys) * 100;
      if (withoutTtl !== null && withoutTtl >= thresholds.withoutTtl.critical)
        return {
          level: 'warning',
          what: `${setting}, but ${percentText(withoutTtl)} of the keys have no expiry: it may evict only the others, and then writes fail.`,
          advice:
            'Give the entries an expiry: SlidingExpiration or AbsoluteExpirationRelativeToNow of MsalDistributedTokenCacheAdapterOptions.',
        };
      if (policy === 'volatile-random')
        return {
          level: 'warning',
          what: `${setting}: it evicts active users as often as those who left.`,
          advice,
        };
      return withoutTtl === null && { unseen: 'how many keys have no expiry, so how many it may evict' };
    },
  },
  {
    check: 'fragmentation',
    judge: ({ figures: { memory } }, { fragmentation }, previous) => {
      const { rssBytes, usedBytes, fragmentationRatio: ratio } = memory;
      if (ratio === null || rssBytes === null || usedBytes === null)
        return { unseen: 'how much memory is used, and how much its data need' };
      // A small server always looks fragmented: its program outweighs its data.
      if (rssBytes - usedBytes < fragmentation.wasteBytes) return undefined;
      return graded({ value: ratio, warning: fragmentation.ratio, margin: 0.1 }, previous, () => ({
        what: `The process takes ${ratio.toFixed(2)} times what its data needs: ${bytesText(rssBytes - usedBytes)} are lost to fragmentation.`,
        advice:
          'Switch on activedefrag where the server allows it, or restart or fail over in a quiet hour (with a replica or persistence, or users must sign in again).',
      }));
    },
  },
];

function whenFull(policy: string | null): string {
  if (policy === 'noeviction') return 'every write fails and nobody new can sign in';
  if (policy?.startsWith('volatile-')) return 'entries with an expiry are evicted, and their users must sign in again';
  return 'entries are evicted, and their users must sign in again';
}
