import type { ChainableCommander, Redis } from 'ioredis';
import { UnreachableError } from '../../redis/unreachable.ts';
import { KeyRingError } from '../keyRingError.ts';
import { isAbort } from '../patience.ts';
import type { KeyRingStore, RingChange, StoredElement, StoredRing } from '../reading/keyRingStore.ts';
import { fingerprint, readElements, stamp } from '../reading/ringDocument.ts';
import type { RingConnection } from './redisConnection.ts';

/**
 * A ring as PersistKeysToStackExchangeRedis keeps it: a list of elements, without TTL (RedisXmlRepository.cs). Apps only
 * push. Changes are made in a transaction that fails where the list has changed since it was read.
 */
export class RedisStore implements KeyRingStore {
  readonly description: string;
  readonly #connection: RingConnection;
  readonly #key: string;

  /** The connection is this store's own. */
  constructor(connection: RingConnection, key: string) {
    this.#connection = connection;
    this.#key = key;
    this.description = `Redis list ${key} on ${connection.host}`;
  }

  async read(): Promise<StoredRing & { version: string }> {
    const [items, time] = await this.#use((redis) => Promise.all([redis.lrange(this.#key, 0, -1), redis.time()]));
    return {
      exists: items.length > 0,
      ...readElements(items.map((text, index) => [`item ${index}`, text])),
      storeTime: new Date(Number(time[0]) * 1000),
      version: fingerprint(items),
    };
  }

  write(ring: StoredRing & { version?: string }, change: RingChange): Promise<'written' | 'conflict'> {
    return this.#use((redis) => this.#writeOn(redis, ring.version, change));
  }

  async #writeOn(redis: Redis, version: string | undefined, change: RingChange): Promise<'written' | 'conflict'> {
    await redis.watch(this.#key);
    const items = await redis.lrange(this.#key, 0, -1);
    if (fingerprint(items) !== version) {
      await redis.unwatch();
      return 'conflict';
    }
    const transaction = redis.multi();
    for (const { element, xml } of change.replace) transaction.lset(this.#key, indexOf(element), xml.reveal());
    for (const { xml } of change.remove) transaction.lrem(this.#key, 1, xml.reveal());
    for (const { xml } of change.add) transaction.rpush(this.#key, xml.reveal());
    return (await done(transaction)) ? 'written' : 'conflict';
  }

  async keepCopy(ring: StoredRing, at: Date): Promise<string> {
    const name = `${inSlotOf(this.#key)}:backup:${stamp(at)}`;
    await this.#use((redis) => {
      const transaction = redis.multi().del(name);
      for (const { xml } of ring.elements) transaction.rpush(name, xml.reveal());
      return done(transaction);
    });
    return name;
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async #use<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await this.#connection.use(work);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): KeyRingError {
    if (error instanceof KeyRingError) return error;
    const text = error instanceof Error ? error.message : '';
    const kind = /^[A-Z]{2,}/.exec(text)?.[0];
    if (error instanceof UnreachableError) {
      if (['authentication', 'permission'].includes(error.step))
        return new KeyRingError('key_ring_forbidden', `${this.description} may not be used. ${text}`, error.advice);
      const what = `${this.description} does not answer. ${text}`;
      return new KeyRingError('key_ring_unavailable', what, error.advice, !this.#connection.isGivenUp);
    }
    if (kind === 'NOAUTH' || kind === 'WRONGPASS' || kind === 'NOPERM') {
      return new KeyRingError(
        'key_ring_forbidden',
        `${this.description} may not be used (${kind}).`,
        "Correct the user and password of the ring's connection string; it needs LRANGE, LSET, LREM, RPUSH, DEL, WATCH, UNWATCH, MULTI, EXEC and TIME.",
      );
    }
    if (kind === 'WRONGTYPE') {
      return new KeyRingError(
        'key_ring_damaged',
        `${this.description} is not a list (WRONGTYPE): something else stands under that key, and apps fail on it too.`,
        "Correct the key of the ring's store in KEY_RINGS, or find out what wrote there.",
      );
    }
    return new KeyRingError(
      'key_ring_unavailable',
      `${this.description} did not answer as it should (${kind ?? (isAbort(error) ? 'no answer in time' : 'no connection')}).`,
      'If it lasts, look at the Redis server and the network; the next run tries again.',
      !this.#connection.isGivenUp && (kind === undefined || passingKinds.test(kind)),
    );
  }
}

/** False where the list has changed since it was watched. */
async function done(transaction: ChainableCommander): Promise<boolean> {
  const results = await transaction.exec();
  const failure = results?.find(([error]) => error)?.[0];
  if (failure) throw failure;
  return results !== null;
}

function indexOf({ place }: StoredElement): number {
  return Number(place.slice('item '.length));
}

const passingKinds = /^(LOADING|READONLY|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|EXECABORT)$/;

/** A name that a cluster keeps beside the key (hash tags): the same transaction, and the same node, can reach both. */
function inSlotOf(key: string): string {
  return /\{[^}]+\}/.test(key) ? key : `{${key}}`;
}
