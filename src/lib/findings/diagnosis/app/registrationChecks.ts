import { critical, type Outcome, pass, warning } from '../../../checks/check.ts';
import { placeText } from '../../../webApp/csharp/syntax.ts';
import type { World } from '../../../webApp/world.ts';
import { appChecks, at, isDistributed, mayBeIn, notFound, winnerOf } from './appSubject.ts';

/** Which token cache the app registers, which wins, and what is behind it. */

const keepOne =
  'Keep one registration: `.AddDistributedTokenCaches()`, after a cache such as `services.AddStackExchangeRedisCache(…)`.';
const redisCode =
  '`builder.Services.AddStackExchangeRedisCache(options => options.Configuration = builder.Configuration.GetConnectionString("Redis"));` (or `AddDistributedSqlServerCache`, `AddDistributedPostgresCache`)';

export const registrationChecks = [
  ...appChecks('prompts', { 'app-token-cache': judgeTokenCaches }),
  ...appChecks('emptyAfterRestart', { 'app-memory-cache': judgeMemory, 'app-distributed-cache': judgeStores }),
];

function judgeTokenCaches(world: World): Outcome {
  const { tokenCaches } = world;
  const evidence = tokenCaches.map(({ call }) => at(call.name, call.place));
  const [first, ...others] = tokenCaches;
  if (!first) return judgeAbsence(world);
  const other = others.find(({ kind }) => kind !== first.kind);
  if (!other)
    return pass(`\`${first.call.name}\` (${placeText(first.call.place)}) is the only kind of token cache.`, evidence);
  if (other.call.entryPoint !== first.call.entryPoint)
    return {
      status: 'unknown',
      cause: 'order_not_known',
      what: `Several token caches are registered from different starts of the app, and the first wins: \`${first.call.name}\` (${placeText(first.call.place)}) and \`${other.call.name}\` (${placeText(other.call.place)}).`,
      evidence,
      advice: keepOne,
    };
  const trouble = {
    what: `Two kinds of token cache are registered, and the first wins: \`${first.call.name}\` (${placeText(first.call.place)}); \`${other.call.name}\` (${placeText(other.call.place)}) has no effect.`,
    evidence,
    advice: `${keepOne} Take out ${placeText((first.kind === 'memory' ? first : other).call.place)}.`,
  };
  if (first.kind === 'memory') return critical({ cause: 'memory_cache_wins', ...trouble });
  return warning({ cause: 'later_registration_ignored', ...trouble });
}

function judgeAbsence(world: World): Outcome {
  const acquires = world.call(/^(EnableTokenAcquisitionToCallDownstreamApi|AddTokenAcquisition)$/);
  const open = world.openAt();
  if (!acquires) {
    const factory = world.call(/^GetDefaultInstance$/);
    if (factory && !open) return pass(`\`TokenAcquirerFactory\` (${placeText(factory.place)}) keeps tokens in memory.`);
    const signsIn = world.call(/^(AddMicrosoftIdentity(WebApp|WebApi)\w*)$/);
    if (!signsIn) return open ? mayBeIn('A token cache', open) : notFound;
    return pass(`The app signs users in (${placeText(signsIn.place)}) and acquires no tokens to cache.`);
  }
  if (open) return mayBeIn('A token cache', open);
  return critical({
    cause: 'token_cache_absent',
    what: `The app acquires tokens (${placeText(acquires.place)}) and registers no token cache: \`ITokenAcquisition\` cannot be resolved.`,
    evidence: [at(acquires.name, acquires.place)],
    advice: 'Add `.AddDistributedTokenCaches()` behind it, and a distributed cache.',
  });
}

function judgeMemory(world: World): Outcome {
  const winner = winnerOf(world);
  if (winner?.kind !== 'memory') return pass('No in-memory token cache is used in production.');
  if (isDistributed(world)) return pass('It wins over a distributed one: see the check of the token caches.');
  const web = world.call(
    /^(AddMicrosoftIdentityWebApp\w*|AddMicrosoftIdentityWebApi\w*|AddAuthentication|EnableTokenAcquisitionToCallDownstreamApi)$/,
  );
  if (!web)
    return pass(
      `The in-memory token cache (${placeText(winner.place)}) is that of a service without users: it gets its tokens anew.`,
    );
  return warning({
    cause: 'memory_cache_in_production',
    what: `The token cache is in memory (${placeText(winner.place)}): another instance does not see a user's tokens, and a restart loses them.`,
    evidence: [at('in-memory token cache', winner.place)],
    advice: `Write \`.AddDistributedTokenCaches()\` in its place, and before it ${redisCode}. In memory is right in development alone: put it into \`if (builder.Environment.IsDevelopment())\`.`,
  });
}

function judgeStores(world: World): Outcome {
  const winner = world.tokenCaches.find(({ kind }) => kind === 'distributed')?.call;
  if (!winner) return pass('No distributed token cache is used.');
  const { stores, store } = world;
  const open = world.openAt();
  const evidence = [
    at('distributed token cache', winner.place),
    ...stores.map(({ call }) => at(call.name, call.place)),
  ];
  if (!store) {
    if (open) return mayBeIn('A distributed cache', open);
    return critical({
      cause: 'no_distributed_cache',
      what: `The distributed token caches (${placeText(winner.place)}) have no distributed cache behind them: they keep all in memory, and say nothing of it.`,
      evidence,
      advice: `Register one: ${redisCode}.`,
    });
  }
  if (store.kind === 'memory') {
    if (open) return mayBeIn('A persistent distributed cache', open);
    return warning({
      cause: 'distributed_memory_cache',
      what: `\`${store.call.name}\` (${placeText(store.call.place)}) is the only distributed cache: it is in memory, so that instances do not share it and a restart empties it.`,
      evidence,
      advice: `Write ${redisCode} in its place; keep \`AddDistributedMemoryCache\` for development.`,
    });
  }
  const other = stores.find(({ kind }) => kind !== 'memory' && kind !== store.kind);
  if (other)
    return warning({
      cause: 'several_distributed_caches',
      what: `Several distributed caches are registered, and the last wins: \`${store.call.name}\` (${placeText(store.call.place)}); \`${other.call.name}\` (${placeText(other.call.place)}) has no effect.`,
      evidence,
      advice: `Keep one of them: take out ${placeText(other.call.place)}.`,
    });
  return pass(
    `\`${store.call.name}\` (${placeText(store.call.place)}) is behind the distributed token caches.`,
    evidence,
  );
}
