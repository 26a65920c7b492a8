import { type Check, checksOf, critical, pass, warning } from '../../../checks/check.ts';
import { humanDuration } from '../../../durations.ts';
import { isAssertion } from '../../../tokenKeys.ts';
import { bytesText, countOf, percentText } from '../../../wording.ts';
import { type Engine, type EntriesSubject, ownPlace, type SampledCacheEntry } from './entriesSubject.ts';

const day = 86_400_000;
/** A refresh token of a web app ends after 90 days without use ("Refresh token lifetime", Microsoft Entra). */
const longestTokenMs = 90 * day;
/** An access token lives for 60 to 90 minutes ("Access token lifetime", Microsoft Entra). */
const accessTokenSeconds = 3_600;
/** Bytes. An id token has 2 to 7 kB and an access token about 2 (Microsoft.Identity.Web, "Token cache serialization"). */
const largeEntry = 262_144;

/** The caches with an expiry of their own for entries that say none: 20 minutes (SqlServerCacheOptions, PostgresCacheOptions). */
const defaultSliding: Record<Engine, string> = {
  sqlserver: 'DefaultSlidingExpiration of the cache (SqlServerCacheOptions; 20 minutes by default), or ',
  postgres: 'DefaultSlidingExpiration of the cache (PostgresCacheOptions; 20 minutes by default), or ',
  redis: '',
};

const usersOf = (entries: readonly SampledCacheEntry[]) => entries.filter(({ kind }) => kind === 'user');

/** What makes a cache grow, or forget too soon, as its entries show. */
export const entryGrowthChecks: Check<EntriesSubject>[] = [
  ...checksOf<EntriesSubject>('growth', 20_000, {
    'entries-lifetime': async (subject) => {
      const { entries: all, now } = await subject.entries();
      // Those have a check of their own.
      const entries = all.filter(({ kind }) => kind !== 'onBehalfOf');
      const endless = entries.filter(({ expiresAt }) => !expiresAt);
      const long = entries.filter(
        ({ expiresAt }) => expiresAt && expiresAt.getTime() - now.getTime() > longestTokenMs + day,
      );
      const found = endless.length + long.length;
      const evidence = [
        { what: 'entries sampled', value: entries.length },
        { what: 'without any expiry', value: endless.length },
        { what: 'alive for over 90 days more', value: long.length },
      ];
      if (found === 0) return pass('No sampled entry outlives its tokens.', evidence);
      const longest = Math.max(
        0,
        ...long.flatMap(({ expiresAt }) => (expiresAt ? [expiresAt.getTime() - now.getTime()] : [])),
      );
      return warning({
        cause: endless.length > 0 && long.length === 0 ? 'entries_never_expire' : 'entries_outlive_tokens',
        what: `${countOf(found, 'entry', 'entries')} of ${entries.length} sampled (${percentText((100 * found) / entries.length)}) outlive every token: a refresh token ends after 90 days${longest > 0 ? `, the longest of these lives for ${humanDuration(longest)}` : ''}.`,
        evidence,
        advice:
          'Set SlidingExpiration or AbsoluteExpirationRelativeToNow of MsalDistributedTokenCacheAdapterOptions to some days: longer than users stay away, shorter than their refresh tokens live.',
      });
    },
    // A token that an API got on behalf of a caller lies under the hash of the caller's own token: the next one has another.
    'entries-on-behalf-of': async (subject) => {
      const { entries, now } = await subject.entries();
      const all = entries.filter(({ kind }) => kind === 'onBehalfOf');
      const left = ({ expiresAt }: SampledCacheEntry) => (expiresAt ? expiresAt.getTime() - now.getTime() : Infinity);
      const outliving = all.filter((entry) => left(entry) > (isAssertion(entry.key) ? day : longestTokenMs + day));
      const evidence = [
        { what: 'on-behalf-of entries sampled', value: all.length },
        { what: 'that outlive what they are found by', value: outliving.length },
      ];
      if (outliving.length === 0) return pass('No sampled on-behalf-of entry outlives its use.', evidence);
      const longest = Math.max(...outliving.map(left));
      return warning({
        cause: 'on_behalf_of_outlives_assertion',
        what: `${countOf(outliving.length, 'on-behalf-of entry', 'on-behalf-of entries')} of ${all.length} sampled (${percentText((100 * outliving.length) / all.length)}) live on ${longest === Infinity ? 'for ever' : `for up to ${humanDuration(longest)}`}: each is found by the hash of the token that it was got for, which ends within 90 minutes, and by no later one.`,
        evidence,
        advice: `Give the API that calls on behalf of others an entry lifetime of a few hours (AbsoluteExpirationRelativeToNow of MsalDistributedTokenCacheAdapterOptions), and ${ownPlace[subject.engine]} if web apps share this one. Long-running sessions need a key of their own (InitiateLongRunningProcessInWebApi), and StopLongRunningProcessInWebApiAsync at their end.`,
      });
    },
    // The key says whose tokens are in an entry: one user's.
    'entries-of-all-users': async (subject) => {
      const { entries } = await subject.entries();
      const told = entries.flatMap(({ format, kind }) =>
        format.kind === 'msal' && kind !== 'app' ? format.users : [],
      );
      const several = told.filter((users) => users > 1);
      const most = Math.max(0, ...several);
      const evidence = [
        { what: "users' entries that tell", value: told.length },
        { what: 'with the tokens of several users', value: several.length },
        { what: 'users in the fullest, as far as it was read', value: most },
      ];
      if (several.length === 0)
        return pass(
          told.length === 0
            ? 'No sampled entry tells whose tokens are in it.'
            : 'Each sampled entry holds the tokens of one user.',
          evidence,
        );
      return critical({
        cause: 'users_share_entries',
        what: `${countOf(several.length, 'entry holds', 'entries hold')} the tokens of several users, one of them of at least ${most}: an app writes its whole cache under each key. The table grows with the square of the users, and each sign-in reads and writes the tokens of all.`,
        evidence,
        advice:
          'Let the app keep one cache for each key: register it with AddDistributedTokenCaches (or app.AddDistributedTokenCache), without EnableSharedCacheOptions and without an own serializer that ignores SuggestedCacheKey. Then clear this cache.',
      });
    },
  }),
  ...checksOf<EntriesSubject>('prompts', 20_000, {
    'entries-sliding-missing': async (subject) => {
      const users = usersOf((await subject.entries()).entries);
      const fixed = users.filter(({ slidingSeconds, expiresAt }) => slidingSeconds === null && expiresAt);
      const evidence = [
        { what: "users' entries sampled", value: users.length },
        { what: 'without sliding expiration', value: fixed.length },
      ];
      if (fixed.length * 10 < users.length || fixed.length === 0)
        return pass("Users' entries live on while they are used.", evidence);
      return warning({
        cause: 'no_sliding_expiration',
        what: `${countOf(fixed.length, "user's entry has", "users' entries have")} no sliding expiration (of ${users.length} sampled): they end while their users work, who then sign in again.`,
        evidence,
        advice: 'Set SlidingExpiration of MsalDistributedTokenCacheAdapterOptions, besides any absolute expiration.',
      });
    },
    'entries-sliding-short': async (subject) => {
      const users = usersOf((await subject.entries()).entries);
      const sliding = users.filter(({ slidingSeconds }) => slidingSeconds !== null);
      const short = sliding.filter(({ slidingSeconds }) => (slidingSeconds ?? 0) < accessTokenSeconds);
      const shortest = Math.min(...short.map(({ slidingSeconds }) => slidingSeconds ?? 0));
      const evidence = [
        { what: "users' entries with sliding expiration", value: sliding.length },
        { what: 'shorter than an hour', value: short.length },
        ...(short.length > 0 ? [{ what: 'shortest', value: shortest, unit: 's' }] : []),
      ];
      if (short.length === 0) return pass('No sliding expiration is shorter than a token lives.', evidence);
      const trouble = {
        cause: 'sliding_shorter_than_token',
        what: `${countOf(short.length, "user's entry", "users' entries")} of ${sliding.length} sampled slide by less than the hour that a token lives (the shortest by ${humanDuration(shortest * 1000)}${shortest === 1200 && defaultSliding[subject.engine] ? ", the library's default" : ''}): a user who pauses that long signs in again for nothing.`,
        evidence,
        advice: `Set ${defaultSliding[subject.engine]}SlidingExpiration of MsalDistributedTokenCacheAdapterOptions, to a day or more.`,
      };
      return short.length * 2 >= sliding.length ? critical(trouble) : warning(trouble);
    },
  }),
  ...checksOf<EntriesSubject>('growth', 20_000, {
    'entries-kinds': async (subject) => {
      const { entries } = await subject.entries();
      const count = (kind: SampledCacheEntry['kind']) => entries.filter((entry) => entry.kind === kind).length;
      const foreign = entries.filter(({ kind }) => kind === 'other');
      const other = foreign.length;
      const evidence = (['user', 'app', 'onBehalfOf', 'other'] as const).map((kind) => ({
        what: `entries of kind ${kind}`,
        value: count(kind),
      }));
      if (other * 100 <= entries.length) return pass('The keys are those of Microsoft.Identity.Web.', evidence);
      if (await subject.prefixDiffers?.())
        return pass('The keys are not told apart: the prefix is another; see instance-name.', evidence);
      return warning({
        cause: 'foreign_keys',
        what: `${countOf(other, 'key')} of ${entries.length} sampled (${percentText((100 * other) / entries.length)}) have no form of Microsoft.Identity.Web: something else, such as sessions, shares the cache.`,
        evidence: [...evidence, { what: 'first', value: subject.showKey(foreign[0]?.key ?? '') }],
        advice: `Give sessions and other data ${ownPlace[subject.engine]}: they grow and expire by other rules.`,
      });
    },
    'entries-large': async (subject) => {
      const { entries } = await subject.entries();
      const bySize = [...entries].sort((a, b) => b.size - a.size);
      const large = bySize.filter(({ size }) => size > largeEntry);
      const median = bySize[Math.floor(bySize.length / 2)]?.size ?? 0;
      const evidence = [
        { what: 'median', value: median, unit: 'B' },
        { what: 'largest', value: bySize[0]?.size ?? 0, unit: 'B' },
        { what: `larger than ${bytesText(largeEntry)}`, value: large.length },
      ];
      if (large.length === 0) return pass('No sampled entry is unusually large.', evidence);
      const [first] = large;
      const plain = bySize.find(({ format, size }) => format.kind === 'msal' && format.tokens && size > largeEntry / 8);
      const tokens = plain?.format.kind === 'msal' ? plain.format.tokens : undefined;
      return warning({
        cause: 'large_entries',
        what: `${countOf(large.length, 'sampled entry is', 'sampled entries are')} larger than ${bytesText(largeEntry)}, the largest ${bytesText(first?.size ?? 0)}: each sign-in reads and writes it whole.`,
        evidence: [
          ...evidence,
          { what: 'largest entry', value: subject.showKey(first?.key ?? '') },
          ...(tokens
            ? [
                { what: 'access tokens in the largest plain entry that was read whole', value: tokens.accessTokens },
                { what: 'resources in it', value: tokens.resources },
                {
                  what: 'tokens per resource',
                  value: Math.round((10 * tokens.accessTokens) / Math.max(1, tokens.resources)) / 10,
                },
              ]
            : []),
        ],
        advice:
          'Ask for fewer sets of scopes: every set is a token of its own. On-behalf-of tokens belong into entries of their own (long-running sessions keep adding to one). Group claims make tokens large: use app roles or group overage.',
      });
    },
  }),
];
