import { humanDuration } from '../../durations.ts';
import { countOf, percentText } from '../../wording.ts';
import type { KeySample } from '../keySample.ts';
import type { NodeSubject } from '../subject.ts';
import { counted, graded, levelOf, type Rule } from './rule.ts';

const expiryAdvice =
  'Set SlidingExpiration or AbsoluteExpirationRelativeToNow of MsalDistributedTokenCacheAdapterOptions: Microsoft.Identity.Web gives a user entry no expiry of its own.';

/** Too few look-ups say nothing about a ratio. */
const leastLookups = 100;

/** The entries, and what their loss means for the users. */
export const entryRules: Rule<NodeSubject>[] = [
  {
    check: 'redis-evictions',
    isEvent: true,
    judge: (subject, { evictedCritical }, previous) =>
      counted(
        subject,
        'evicted',
        (total) => {
          const { uptimeSeconds } = subject.figures;
          const since = uptimeSeconds === null ? '' : `, ${humanDuration(uptimeSeconds * 1000)} ago`;
          return `${countOf(total, 'entry', 'entries')} evicted since the server started${since}; how many of late, the next look will tell.`;
        },
        (evicted, time) => {
          const { keysHeld } = subject;
          const share = keysHeld === null ? null : (evicted / (evicted + keysHeld)) * 100;
          const grade = { value: share ?? evicted, warning: 0, margin: 10 };
          const level = levelOf({ ...grade, ...(share !== null && { critical: evictedCritical }) }, previous);
          const of = share === null ? 'of an unknown number' : `${percentText(share)} of those held`;
          return (
            level && {
              level,
              what: `${countOf(evicted, 'entry', 'entries')} evicted in ${time}, ${of}: ${usersText(evicted, subject.sample)} must sign in again.`,
            }
          );
        },
        'Enlarge the cache or shorten the expiry of its entries, and see whether something else fills it (the groups of keys in the report).',
      ),
  },
  {
    check: 'refusedWrites',
    isEvent: true,
    judge: (subject) =>
      counted(
        subject,
        'refusedWrites',
        (total) => `${countOf(total, 'write')} refused since the server started, for want of memory.`,
        (refused, time) => ({
          level: 'critical',
          what: `${countOf(refused, 'write')} refused in ${time}, for want of memory: who signed in then has no entry, and must sign in again.`,
        }),
        'Enlarge the cache now, or remove what has no expiry (keysWithoutTtl). Then set maxmemory-policy to volatile-lru, and give every entry an expiry.',
      ),
  },
  {
    check: 'keysWithoutTtl',
    judge: ({ cache, sample, keyRing, figures }, { withoutTtl }, previous) => {
      if (figures.role === 'replica') return undefined;
      const { keys, keysWithoutTtl } = cache;
      if (keys === null || keysWithoutTtl === null) return { unseen: 'how many keys have no expiry' };
      // A key ring has no expiry, and must have none.
      const count = keysWithoutTtl - (keyRing ? 1 : 0);
      if (keys === 0 || count <= 0) return undefined;
      const percent = (count / keys) * 100;
      return graded({ value: percent, ...withoutTtl, margin: 10 }, previous, () => ({
        what: `${Math.round(count).toLocaleString('en-US')} of ${countOf(keys, 'key')} (${percentText(percent)}) have no expiry: they never go by themselves, and no volatile-* policy may evict them.${groupsText(sample)}`,
        advice: expiryAdvice,
      }));
    },
  },
  {
    check: 'hitRatio',
    judge: ({ change, figures: { counters } }, { hitRatio }, previous) => {
      if (counters.hits === null || counters.misses === null) return { unseen: 'how many look-ups found their entry' };
      const { hits, misses } = change?.counts ?? { hits: null, misses: null };
      if (hits === null || misses === null || hits + misses < leastLookups) return undefined;
      const percent = (hits / (hits + misses)) * 100;
      return graded({ value: percent, warning: hitRatio, margin: 10, low: true }, previous, () => ({
        what: `${percentText(percent)} of ${countOf(hits + misses, 'look-up')} since the last look found their entry.`,
        advice:
          'Users whose entry is missing sign in again or wait for a new token. See evictions and restarts here; else the expiry is shorter than the users stay away.',
      }));
    },
  },
  {
    check: 'keyRingInCache',
    judge: ({ keyRing, figures: { memory, role } }) => {
      if (keyRing === null && role !== 'replica') return { unseen: 'whether a key ring lies beside the entries' };
      if (!keyRing) return undefined;
      const evictable = memory.policy?.startsWith('allkeys-') ?? false;
      return {
        level: evictable ? 'critical' : 'warning',
        what: `A Data Protection key ring lies in the database of the cache${evictable ? `, where ${memory.policy} may evict it` : ''}.`,
        advice:
          'Without it no cookie and no encrypted entry can be read: all users are signed out. Keep the ring in a blob, or in a Redis with persistence and no eviction; until then never use FLUSHDB here.',
      };
    },
  },
];

/** By the sample: not every key is a user's. */
function usersText(evicted: number, sample: KeySample | null): string {
  if (sample?.userShare == null || sample.userShare === 0) return `up to ${countOf(evicted, 'user')}`;
  return `about ${countOf(Math.max(1, evicted * sample.userShare), 'user')}`;
}

function groupsText(sample: KeySample | null): string {
  const groups = sample?.groups.filter(({ withoutTtl }) => withoutTtl > 0).slice(0, 3) ?? [];
  if (!sample || groups.length === 0) return '';
  const texts = groups.map(
    ({ prefix, kind, withoutTtl }) => `${withoutTtl} ${kind}${prefix ? ` under \`${prefix}\`` : ''}`,
  );
  return ` Of ${countOf(sample.keys, 'key')} sampled: ${texts.join(', ')}.`;
}
