import { critical, type Outcome, pass, unknown, warning, worst } from '../../../checks/check.ts';
import type { Clock } from '../../../clock.ts';
import { readCallback } from '../../../webApp/csharp/callback.ts';
import { placeText } from '../../../webApp/csharp/syntax.ts';
import {
  isKnown,
  isNull,
  knownAs,
  knownDuration,
  knownFlag,
  knownNumber,
  type Value,
} from '../../../webApp/csharp/value.ts';
import type { World } from '../../../webApp/world.ts';
import { bytesText } from '../../../wording.ts';
import {
  type AppSubject,
  adapterOptions,
  appChecks,
  at,
  isDistributed,
  mayBeIn,
  notKnown,
  winnerOf,
} from './appSubject.ts';

/** The options of the cache adapter: what it does when the cache fails, how long entries live, what is kept in the process. */

export const optionChecks = [
  ...appChecks('connection', { 'app-cache-failure': judgeCallback }),
  ...appChecks('prompts', { 'app-expiry': judgeExpiry }),
  ...appChecks('slow', { 'app-l1-cache': judgeL1 }),
];

const callbackCode =
  '`builder.Services.AddOptions<MsalDistributedTokenCacheAdapterOptions>().Configure<ILoggerFactory>((options, loggers) => options.OnL2CacheFailure = exception => { loggers.CreateLogger("TokenCache").LogWarning(exception, "The token cache failed."); return false; });`';

function judgeCallback(world: World): Outcome {
  if (!isDistributed(world)) return pass('No distributed token cache is used: none can fail.');
  const value = world.option(adapterOptions, 'onl2cachefailure');
  const open = world.openAt(adapterOptions);
  const winner = winnerOf(world);
  if (!value || isNull(value)) {
    if (open) return mayBeIn('`OnL2CacheFailure`', open);
    return warning({
      cause: 'cache_failure_unheard',
      what: 'There is no `OnL2CacheFailure`: the app does not hear of a failing cache, whose failures look like misses. Nothing is tried again.',
      evidence: winner ? [at('distributed token cache', winner.place)] : [],
      advice: `Add ${callbackCode}. To return \`true\` tries once more.`,
    });
  }
  const callback = knownAs(value, 'function');
  if (!callback) return notKnown('`OnL2CacheFailure`', value);
  const { throws, waitsFor } = readCallback(callback.node, callback.file);
  const [thrown] = throws;
  if (thrown)
    return critical({
      cause: 'callback_throws',
      what: `\`OnL2CacheFailure\` throws (${placeText(thrown)}): the call that wants a token fails with it, where without it the app would go on by itself.`,
      evidence: throws.map((place) => at('throw', place)),
      advice: `Take \`OnL2CacheFailure\` out, and write ${callbackCode}.`,
    });
  const [awaited] = waitsFor;
  if (awaited)
    return warning({
      cause: 'callback_waits_in_vain',
      what: `\`OnL2CacheFailure\` waits for \`${awaited.type}\` (${placeText(awaited.place)}), and is never given it: an entry that cannot be read is not a failure of the cache, fails each read with json_parse_failed, and heals by no read.`,
      evidence: waitsFor.map(({ type, place }) => at(type, place)),
      advice: `Take \`OnL2CacheFailure\` out, and write ${callbackCode}. Unreadable entries are removed by \`token-cache clear --unreadable\`.`,
    });
  return pass(`\`OnL2CacheFailure\` (${placeText(value.place)}) is there, and throws nothing.`);
}

const hour = 3_600_000;
const expiryCode =
  '`options.SlidingExpiration = TimeSpan.FromDays(1);` (longer than a working day) in `Configure<MsalDistributedTokenCacheAdapterOptions>`';
const expiries = {
  sliding: 'slidingexpiration',
  relative: 'absoluteexpirationrelativetonow',
  absolute: 'absoluteexpiration',
} as const;

function judgeExpiry(world: World, _: AppSubject, clock: Clock): Outcome {
  const winner = winnerOf(world);
  if (!isDistributed(world) && winner?.kind === 'memory') return judgeMemoryExpiry(world);
  if (!isDistributed(world)) return pass('No distributed token cache is used.');
  const [sliding, relative, absolute] = [expiries.sliding, expiries.relative, expiries.absolute].map((name) => {
    const value = world.option(adapterOptions, name);
    return isNull(value) ? undefined : value;
  });
  if (!sliding && !relative && !absolute) return judgeNoExpiry(world);
  return worst(
    [
      ...(absolute ? [judgeAbsolute(absolute, clock)] : []),
      ...(sliding ? [judgeSpan('SlidingExpiration', sliding)] : []),
      ...(relative ? [judgeSpan('AbsoluteExpirationRelativeToNow', relative), judgeReplacing(world, relative)] : []),
    ].filter(({ status }) => status !== 'pass'),
    pass(
      'The expirations are longer than a token.',
      [sliding, relative, absolute].flatMap((value) => (value ? [at('expiry', value.place)] : [])),
    ),
  );
}

function judgeMemoryExpiry(world: World): Outcome {
  const value = world.option('MsalMemoryTokenCacheOptions', expiries.relative);
  return value
    ? judgeSpan('AbsoluteExpirationRelativeToNow', value)
    : pass('The in-memory token cache keeps entries for 14 days.');
}

function judgeNoExpiry(world: World): Outcome {
  const open = world.openAt(adapterOptions);
  if (open) return mayBeIn('An expiration of entries', open);
  const store = world.store;
  const place = winnerOf(world)?.place;
  const evidence = place ? [at('distributed token cache', place)] : [];
  if (store?.kind === 'redis')
    return warning({
      cause: 'user_entries_never_expire',
      what: 'No expiration is set: entries of users never expire in Redis, whose memory fills, and no `volatile-…` policy can evict them.',
      evidence,
      advice: `Write ${expiryCode}.`,
    });
  if (store?.kind === 'sqlserver' || store?.kind === 'postgres') {
    const type = store.kind === 'sqlserver' ? 'SqlServerCacheOptions' : 'PostgresCacheOptions';
    const standard = world.option(type, 'defaultslidingexpiration');
    if (standard) return judgeSpan('DefaultSlidingExpiration', standard);
    return warning({
      cause: 'sliding_default_short',
      what: `No expiration is set: entries of users slide by the 20 minutes of \`${type}\`, so that a user signs in again after a break.`,
      evidence,
      advice: `Write ${expiryCode}.`,
    });
  }
  if (store?.kind === 'other')
    return unknown(
      'store_not_known',
      `No expiration is set, and what \`${store.call.name}\` (${placeText(store.call.place)}) makes of that is not known.`,
      `Write ${expiryCode}.`,
      evidence,
    );
  return pass('There is no persistent cache that needs an expiration.');
}

function judgeSpan(name: string, value: Value): Outcome {
  const ms = knownDuration(value);
  if (ms === undefined) return notKnown(`\`${name}\``, value);
  const evidence = [at(name, value.place), { what: name, value: Math.round(ms / 60_000), unit: 'min' }];
  if (ms <= 0)
    return critical({
      cause: 'expiry_not_positive',
      what: `\`${name}\` (${placeText(value.place)}) is not positive: .NET refuses it, and every write of an entry fails.`,
      evidence,
      advice: `Write \`options.${name} = TimeSpan.FromDays(1);\`, longer than a working day.`,
    });
  if (ms < hour)
    return warning({
      cause: 'expiry_shorter_than_token',
      what: `\`${name}\` (${placeText(value.place)}) is ${Math.round(ms / 60_000)} min, less than the hour of a token: entries end while users work, and their refresh tokens with them.`,
      evidence,
      advice: `Write \`options.${name} = TimeSpan.FromDays(1);\`, longer than a working day.`,
    });
  return pass(`\`${name}\` is longer than a token.`, evidence);
}

function judgeAbsolute(value: Value, clock: Clock): Outcome {
  const advice = `Take it out, and write ${expiryCode}.`;
  const evidence = [at('AbsoluteExpiration', value.place)];
  if (knownAs(value, 'fromNow'))
    return critical({
      cause: 'expiry_reckoned_once',
      what: `\`AbsoluteExpiration\` (${placeText(value.place)}) is reckoned once, when the app starts: from then on all entries end at one time, and after it every write fails.`,
      evidence,
      advice,
    });
  const instant = knownAs(value, 'instant');
  if (!instant) return notKnown('`AbsoluteExpiration`', value);
  const past = instant.at <= clock.now().getTime();
  return (past ? critical : warning)({
    cause: past ? 'expiry_in_the_past' : 'expiry_is_a_date',
    what: `\`AbsoluteExpiration\` (${placeText(value.place)}) is a date${past ? ' in the past: every write of an entry fails' : ': all entries end then, and after it every write fails'}.`,
    evidence,
    advice,
  });
}

/** Entries of users have no expiry of a token's own; those of apps and of web APIs have, which this one replaces. */
function judgeReplacing(world: World, value: Value): Outcome {
  const ofTokens = world.call(
    /^(AddMicrosoftIdentityWebApi\w*|GetAccessTokenForApp\w*|CallApiForApp\w*|GetDefaultInstance)$/,
  );
  if (!ofTokens || knownDuration(value) === undefined) return pass('No expiry of a token is replaced.');
  return warning({
    cause: 'expiry_replaces_that_of_tokens',
    what: `\`AbsoluteExpirationRelativeToNow\` (${placeText(value.place)}) replaces the expiry of tokens of apps and of calls on behalf of users (${placeText(ofTokens.place)}): their entries stay for so long, though the token in them has ended.`,
    evidence: [at('AbsoluteExpirationRelativeToNow', value.place), at(ofTokens.name, ofTokens.place)],
    advice: `Take it out, and write ${expiryCode}.`,
  });
}

/** An entry of an app takes 2 kB, of a user with 20 tokens 48 kB (measured with MSAL 4.92). */
const largestEntry = 48_000;

function judgeL1(world: World): Outcome {
  const kind = winnerOf(world)?.kind;
  if (!isDistributed(world) && kind === 'memory') return judgeMemoryLimit(world);
  if (!isDistributed(world)) return pass('No distributed token cache is used.');
  const off = world.option(adapterOptions, 'disablel1cache');
  const flag = off && knownFlag(off);
  if (off && flag === undefined) return notKnown('`DisableL1Cache`', off);
  if (off && flag)
    return warning({
      cause: 'l1_cache_off',
      what: `\`DisableL1Cache = true\` (${placeText(off.place)}): every token is read over the network, and the app stands still when the cache does.`,
      evidence: [at('DisableL1Cache', off.place)],
      advice: 'Take it out: the L1 cache is on by default, with 500 MB at most.',
    });
  const given = world.option(adapterOptions, 'l1cacheoptions');
  const limit = world.nested(adapterOptions, 'l1cacheoptions', 'sizelimit');
  if (limit && !isNull(limit)) return judgeLimit('L1CacheOptions.SizeLimit', limit);
  if (!given && !limit) {
    const open = world.openAt(adapterOptions);
    return open
      ? mayBeIn('Whether the L1 cache is on and bounded', open)
      : pass('The L1 cache is on, with 500 MB at most (the default).');
  }
  if (given && (!isKnown(given) || typeof given.known !== 'object')) return notKnown('`L1CacheOptions`', given);
  const place = (limit ?? given)?.place;
  return warning({
    cause: 'l1_cache_unbounded',
    what: `\`L1CacheOptions\`${place ? ` (${placeText(place)})` : ''} has no \`SizeLimit\`: the L1 cache grows without a bound.`,
    evidence: place ? [at('L1CacheOptions', place)] : [],
    advice:
      'Write `options.L1CacheOptions.SizeLimit = 500 * 1024 * 1024;` (bytes), or leave `L1CacheOptions` as it is.',
  });
}

function judgeLimit(name: string, value: Value): Outcome {
  const bytes = knownNumber(value);
  if (bytes === undefined) return notKnown(`\`${name}\``, value);
  if (bytes >= largestEntry) return pass(`\`${name}\` (${placeText(value.place)}) is ${bytesText(bytes)}.`);
  return critical({
    cause: 'size_limit_turns_entries_away',
    what: `\`${name}\` (${placeText(value.place)}) is ${bytesText(bytes)}: it counts bytes, an entry has 2 to 48 kB, and one that does not fit is turned away without a word.`,
    evidence: [at(name, value.place), { what: name, value: bytes, unit: 'B' }],
    advice: `Write \`options.${name.replace(/^MemoryCacheOptions\./, '')} = 500 * 1024 * 1024;\`.`,
  });
}

function judgeMemoryLimit(world: World): Outcome {
  const limit = world.option('MemoryCacheOptions', 'sizelimit');
  if (!limit || isNull(limit)) return pass('No size limit turns entries of the in-memory token cache away.');
  return judgeLimit('MemoryCacheOptions.SizeLimit', limit);
}
