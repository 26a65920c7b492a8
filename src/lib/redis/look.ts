import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { type RoundTrip, timeEach } from '../roundTrips.ts';
import { type KeySample, sampleKeys } from './keySample.ts';
import { type DatabaseFigures, type NodeFigures, readDatabases, readFigures } from './nodeFigures.ts';
import type { WatchPolicy } from './policy.ts';
import type { RedisNode } from './redisNode.ts';
import { RefusedError, UnreachableError } from './unreachable.ts';

/** What one look at a node found. */
export interface NodeLook {
  figures: NodeFigures;
  persistence: Persistence;
  pings: RoundTrip[];
  /** Null where the node was not sampled: a replica, an empty database, or no right to it. */
  sample: KeySample | null;
  /** Whether a Data Protection key ring lies in the cache's database; null where that was not looked at. */
  keyRing: boolean | null;
  /** What the server refused, in words. */
  refused: string[];
  ownLookups: { hits: number; misses: number };
}

export const persistenceKind = z
  .enum(['aof', 'rdb', 'none', 'unknown'])
  .meta({ description: '`unknown`: the server does not show it.' });
type Persistence = z.infer<typeof persistenceKind>;

export interface LookContext {
  policy: WatchPolicy;
  database: number;
  instanceName: string;
  clock: Clock;
  random: () => number;
  /** Told of each round trip of a PING that this process's own event loop did not delay, in ms. */
  onPing?: (node: string, ms: number) => void;
}

/**
 * The figures of a node's INFO.
 * @throws UnreachableError where it may not be read, or the node is still loading its data
 */
export async function readNode(node: RedisNode): Promise<NodeFigures> {
  const text = await node.info().catch((error) => {
    throw error instanceof RefusedError ? new UnreachableError('permission', `${node.name}: ${error.message}`) : error;
  });
  const figures = readFigures(text);
  if (figures.loading) throw loading(node.name, figures.loading);
  return figures;
}

/**
 * Looks at a node by a handful of commands that read only: CONFIG GET where INFO leaves a question open, PING, a bounded
 * SCAN, TYPE of one key.
 * @throws UnreachableError where the node is lost in between
 */
export async function lookAtNode(node: RedisNode, info: NodeFigures, context: LookContext): Promise<NodeLook> {
  const refused: string[] = [];
  const allowed = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      refused.push(error.message);
      return undefined;
    }
  };
  const { figures, persistence } = await secondTry(node, info);
  const pings = (await allowed(pingSeries(node, context))) ?? [];
  const databases = (await allowed(databasesOf(node, figures))) ?? null;
  const held = keysIn(databases, context.database);
  const sampled = held !== 0 && figures.role !== 'replica' && context.policy.sample.calls > 0;
  const limits = context.policy.sample;
  const known = figures.scansHashTable ? held : null;
  const sample = sampled
    ? ((await allowed(sampleKeys(node.keys, known, { ...context, ...context.policy, limits }))) ?? null)
    : null;
  const type = sampled ? await allowed(node.keys.type(context.policy.keyRingKey)) : undefined;
  const keyRing = held === 0 ? false : type === undefined ? null : type === 'list';
  return {
    figures: { ...figures, databases },
    persistence,
    pings,
    sample,
    keyRing,
    refused,
    ownLookups: {
      hits: (sample?.lookups ?? 0) + (type !== undefined && type !== 'none' ? 1 : 0),
      misses: type === 'none' ? 1 : 0,
    },
  };
}

/** The databases of a node: by a question of its own where its INFO left them out, as Garnet's, which counts key by key. */
export async function databasesOf(
  node: RedisNode,
  { databases }: Pick<NodeFigures, 'databases'>,
): Promise<DatabaseFigures[] | null> {
  return databases ?? readDatabases(await node.info('keyspace'));
}

/** Null where the server does not say it. A database without keys is not named. */
export function keysIn(databases: readonly DatabaseFigures[] | null, wanted: number): number | null {
  return databases && (databases.find(({ database }) => database === wanted)?.keys ?? 0);
}

/** What INFO leaves open, from CONFIG. Managed services refuse that: then it stays open, and the refusal is not a finding. */
async function secondTry(node: RedisNode, figures: NodeFigures): Promise<Pick<NodeLook, 'figures' | 'persistence'>> {
  const { memory } = figures;
  const persistence = persistenceOf(figures);
  const names = [
    ...(memory.maxBytes === null ? ['maxmemory'] : []),
    ...(memory.policy === null ? ['maxmemory-policy'] : []),
    ...(persistence === 'unknown' && figures.persistence.aof !== null ? ['save'] : []),
  ];
  if (names.length === 0) return { figures, persistence };
  const config = await node.config(names).catch((error) => {
    if (error instanceof RefusedError) return new Map<string, string>();
    throw error;
  });
  const [max, policy, save] = [config.get('maxmemory'), config.get('maxmemory-policy'), config.get('save')];
  const answered = {
    ...memory,
    maxBytes: max === undefined ? memory.maxBytes : Number(max),
    policy: policy ?? memory.policy,
  };
  return {
    figures: { ...figures, memory: answered },
    persistence: save === undefined ? persistence : save === '' ? 'none' : 'rdb',
  };
}

/** Longer than any usual `save` schedule waits with a change to save (redis.conf: at most an hour). */
const longUnsavedSeconds = 86_400;

/** As far as INFO shows it. A server that has never saved names its own start as its last save. */
function persistenceOf({ persistence, uptimeSeconds }: NodeFigures): Persistence {
  const { aof, saves, changesSinceSave } = persistence;
  if (aof) return 'aof';
  if (saves !== null && saves > 0) return 'rdb';
  if (saves === 0 && (uptimeSeconds ?? 0) > longUnsavedSeconds && (changesSinceSave ?? 0) > 0) return 'none';
  return 'unknown';
}

async function pingSeries(node: RedisNode, { policy, clock, onPing }: LookContext): Promise<RoundTrip[]> {
  const pings = await timeEach(Array(policy.pings), () => node.ping(), clock);
  for (const { ms, loopDelay } of pings) if (loopDelay === 0) onPing?.(node.name, ms);
  return pings;
}

function loading(name: string, { percent, secondsLeft }: NonNullable<NodeFigures['loading']>): UnreachableError {
  const done = percent === null ? '' : `, ${Math.round(percent)} % done`;
  const left = secondsLeft === null ? '' : `, about ${secondsLeft} s left`;
  return new UnreachableError('loading', `${name} is loading its data set${done}${left}.`);
}
