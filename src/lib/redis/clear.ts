import { type ClearRequest, isConfirmed } from '../clearRequest.ts';
import type { Clock } from '../clock.ts';
import { formatDuration } from '../durations.ts';
import { MaintenanceError } from '../errors.ts';
import { UnreadableTally } from '../unreadableTally.ts';
import type { KeyCount, PrefixCount, RedisClearPlan, RedisClearReport } from './clearReport.ts';
import { globOf, keyTest } from './entryKeys.ts';
import { countOf, type PassOptions, type PassResult, passThroughEntries } from './entryPass.ts';
import { tellable } from './keyGroups.ts';
import { prefixOf } from './prefixes.ts';
import { findPrimaries } from './primaries.ts';
import type { Endpoint, RedisConnection } from './redisConnection.ts';
import type { Connect, EntryRemover, Open } from './redisNode.ts';
import { watched } from './watchdog.ts';

interface ClearPolicy {
  timeBudgetMs: number;
  /** A node that gives no answer for this long is given up. */
  timeoutMs: number;
  keysPerCall: number;
  pauseRatio: number;
}

export interface RedisClearContext {
  connection: RedisConnection;
  /** To learn which nodes there are. */
  connect: Connect;
  open: Open<EntryRemover>;
  /** The prefix of the cache's keys. */
  instanceName: string;
  /** Keys of Data Protection rings that may lie beside the cache: never touched, whatever the prefix. */
  ringKeys: readonly string[];
  /** Prefixes of other caches, as far as the settings name them. */
  otherPrefixes: readonly string[];
  policy: ClearPolicy;
  clock: Clock;
}

type PassContext = RedisClearContext & { tally: UnreadableTally | undefined };

interface NodePass extends PassResult {
  node: string;
}

/**
 * Deletes every entry of a Redis cache: the hashes with a field `data` whose keys begin with its prefix, on every primary,
 * by SCAN and UNLINK. A plan, unless confirmed with the cache's name. Repeatable: what is left is taken by another run.
 * `onFailure` is called where an error ends it after it began, with what it had done by then.
 * Entries under a longer prefix may be another app's: then it is refused, unless `allPrefixes` is asked for.
 * @throws MaintenanceError `instance_name_missing`, `confirmation_wrong`, `prefix_ambiguous`, `redis_unreachable`
 */
export async function clearRedisCache(
  context: RedisClearContext,
  cache: string,
  request: ClearRequest = {},
  onFailure?: (report: RedisClearReport) => void,
): Promise<RedisClearReport | RedisClearPlan> {
  const { clock, policy, connection, instanceName: prefix } = context;
  const confirmed = isConfirmed(request, cache);
  if (prefix === '') throw noPrefix();
  const { signal } = request;
  const start = clock.elapsed();
  const deadline = start + (request.timeBudgetMs ?? policy.timeBudgetMs);
  const { endpoints, unreachable } = await findPrimaries(
    connection.endpoints,
    context.connect,
    clock,
    policy.timeoutMs,
    signal,
  ).catch((error: unknown) => {
    throw signal?.aborted ? stopped() : error;
  });
  const tally = request.judge && new UnreadableTally(request.judge);
  const warnings = [...unreachable];
  const shared = (passes: readonly NodePass[]) => ({
    engine: 'redis' as const,
    prefix,
    database: connection.database,
    duration: formatDuration(clock.elapsed() - start),
    warnings,
    passedOver: sum(passes, (node) => node.passedOver),
    prefixes: prefixesOf(passes, prefix),
    ...(tally && { unreadable: { ...tally.figures, complete: isWhole(passes) } }),
  });
  const isWhole = (passes: readonly NodePass[]) =>
    passes.length === endpoints.length && passes.every(({ complete }) => complete);
  const cleared = (
    passes: readonly NodePass[],
    deleted: number,
    stopReason: RedisClearReport['stopReason'],
    remaining: KeyCount | null,
  ): RedisClearReport => ({
    ...shared(passes),
    dryRun: false,
    stopReason,
    deleted,
    nodes: passes.map(({ node, entries, complete }) => ({ node, deleted: entries, complete })),
    remaining,
  });
  const pass = (remove: boolean, until: number, judged: UnreadableTally | undefined) =>
    passAll({ ...context, tally: judged }, endpoints, request, remove, until, (passes, deleted) =>
      onFailure?.(cleared(passes, deleted, 'failed', null)),
    );
  if (confirmed && !request.allPrefixes) {
    const others = prefixesOf(await pass(false, Math.min(deadline, clock.elapsed() + lookMs), undefined), prefix);
    if (others.some((each) => each.prefix !== prefix)) throw ambiguous(prefix, others);
  }
  const passes = await pass(confirmed, deadline, tally);
  if (!confirmed) {
    if (signal?.aborted) throw stopped();
    const nodes = passes.map((node) => ({ node: node.node, entries: countOf(node) }));
    return { ...shared(passes), dryRun: true, wouldDelete: total(nodes.map(({ entries }) => entries)), nodes };
  }
  const drained = passes.every(({ complete }) => complete);
  const stopReason = drained ? 'drained' : signal?.aborted ? 'aborted' : 'timeBudget';
  const until = Math.min(deadline, clock.elapsed() + recountMs);
  const recount = drained && !signal?.aborted && !tally;
  // The entries are gone, whatever this look meets.
  const counted = recount
    ? await pass(false, until, undefined).catch((error: Error) => {
        warnings.push(`What is left could not be counted: ${error.message}`);
        return undefined;
      })
    : undefined;
  const remaining = counted ? total(counted.map(countOf)) : null;
  const deleted = sum(passes, ({ entries }) => entries);
  return cleared(passes, deleted, stopReason, remaining);
}

/** The look at what is there afterwards costs this much at most. */
const recountMs = 10_000;
/** The look for other prefixes; what it does not come to is left all the same. */
const lookMs = 30_000;

/**
 * All primaries side by side: each is a process of its own. Fails where one is lost, when the others have ended.
 * @param until on the scale of `clock.elapsed()`
 */
async function passAll(
  { open, policy, clock, instanceName, ringKeys, otherPrefixes, tally }: PassContext,
  endpoints: readonly Endpoint[],
  { signal, confirm, allPrefixes = false, onProgress }: ClearRequest,
  remove: boolean,
  until: number,
  onFailure: (passes: NodePass[], done: number) => void,
): Promise<NodePass[]> {
  const prefix = Buffer.from(instanceName);
  let done = 0;
  const options: PassOptions = {
    pattern: globOf(prefix),
    isOfCache: keyTest(prefix, ringKeys),
    prefixOf: (key) => prefixOf(key.toString(), instanceName, otherPrefixes),
    wanted: (whose) => confirm === undefined || allPrefixes || whose === instanceName,
    tally,
    prefixLength: prefix.length,
    remove,
    keysPerCall: policy.keysPerCall,
    pauseRatio: remove ? policy.pauseRatio : 0,
    deadline: until,
    clock,
    signal,
    onBatch: (entries) => {
      done += entries;
      if (remove) onProgress?.(done);
    },
  };
  const passOne = (endpoint: Endpoint) =>
    watched(open, endpoint, policy.timeoutMs, async (remover) => ({
      node: remover.name,
      ...(await passThroughEntries(remover, options)),
    }));
  const results = await Promise.allSettled(endpoints.map(passOne));
  const passes = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  const lost = results.find((result) => result.status === 'rejected');
  if (!lost) return passes;
  if (remove) onFailure(passes, done);
  const error: unknown = lost.reason;
  if (!remove || done === 0 || !(error instanceof MaintenanceError)) throw error;
  const { code, message, advice } = error;
  throw new MaintenanceError(
    code,
    `${message} By then ${done} entries were deleted.`,
    `${advice} Then start it again.`,
  );
}

/** Whose entries were found, the cache's own first, then the most. A prefix that may name somebody is not told. */
function prefixesOf(passes: readonly NodePass[], own: string): PrefixCount[] {
  const counts = new Map<string, number>();
  for (const [prefix, count] of passes.flatMap(({ prefixes }) => [...prefixes])) {
    const told = tellable(prefix, own);
    counts.set(told, (counts.get(told) ?? 0) + count);
  }
  return [...counts]
    .map(([prefix, entries]) => ({ prefix, entries }))
    .sort((a, b) => Number(b.prefix === own) - Number(a.prefix === own) || b.entries - a.entries);
}

function ambiguous(prefix: string, found: PrefixCount[]): MaintenanceError {
  const others = found.filter((each) => each.prefix !== prefix);
  const told = others.slice(0, 5).map((each) => `\`${each.prefix}\` (${each.entries.toLocaleString('en-US')})`);
  return new MaintenanceError(
    'prefix_ambiguous',
    `The prefix \`${prefix}\` is also the beginning of others: ${told.join(', ')}. Nothing was deleted.`,
    "They may be the entries of other apps. Where they are this cache's too, clear with --all-prefixes (over HTTP `allPrefixes`); else give the app an InstanceName that ends in a separator, such as `app:`.",
  );
}

function total(counts: readonly KeyCount[]): KeyCount {
  return { count: sum(counts, ({ count }) => count), estimated: counts.some(({ estimated }) => estimated) };
}

function sum<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((whole, item) => whole + of(item), 0);
}

function stopped(): MaintenanceError {
  return new MaintenanceError('aborted', 'The run was asked to stop.', 'Start it again.');
}

function noPrefix(): MaintenanceError {
  return new MaintenanceError(
    'instance_name_missing',
    'The cache has no prefix: its entries cannot be told from other data of the same database, so nothing is deleted.',
    "Set TOKEN_CACHE_INSTANCE_NAME (`instanceName` in TOKEN_CACHES) to the app's InstanceName. If the app has none, give it one with the upgrade: it then reads no old entry, and those expire or are evicted.",
  );
}
