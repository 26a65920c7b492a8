import type { Redis } from 'ioredis';
import { KeyRingError } from '../keyRingError.ts';
import type { KeyRingStore, RingChange, StoredElement, StoredRing } from '../keyRingStore.ts';
import { fingerprint, stamp } from '../ringDocument.ts';
import { SealedXml } from '../sealedXml.ts';
import { parseDocument, XmlFormError } from '../xml.ts';

/**
 * A ring as PersistKeysToStackExchangeRedis keeps it: a list of elements, without TTL (RedisXmlRepository.cs). Apps only
 * push. Changes are made in a transaction that fails where the list has changed since it was read.
 */
export class RedisStore implements KeyRingStore {
  readonly kind = 'redis';
  readonly description: string;
  readonly #redis: Redis;
  readonly #key: string;

  /** The connection is this store's own: WATCH belongs to a connection. */
  constructor(redis: Redis, key: string, host: string) {
    this.#redis = redis;
    this.#key = key;
    this.description = `Redis list ${key} on ${host}`;
  }

  async read(): Promise<StoredRing & { version: string }> {
    try {
      const [items, time] = await Promise.all([this.#redis.lrange(this.#key, 0, -1), this.#redis.time()]);
      const elements: StoredElement[] = [];
      const damage: { place: string; problem: string }[] = [];
      items.forEach((text, index) => {
        const place = `item ${index}`;
        try {
          parseDocument(text);
          elements.push({ place, xml: new SealedXml(text) });
        } catch (error) {
          if (!(error instanceof XmlFormError)) throw error;
          damage.push({ place, problem: error.message });
        }
      });
      const storeTime = new Date(Number(time[0]) * 1000);
      return { exists: items.length > 0, elements, damage, storeTime, version: fingerprint(items) };
    } catch (error) {
      throw this.#explain(error);
    }
  }

  async write(ring: StoredRing & { version?: string }, change: RingChange): Promise<'written' | 'conflict'> {
    try {
      await this.#redis.watch(this.#key);
      const items = await this.#redis.lrange(this.#key, 0, -1);
      if (fingerprint(items) !== ring.version) {
        await this.#redis.unwatch();
        return 'conflict';
      }
      const transaction = this.#redis.multi();
      for (const { element, xml } of change.replace) transaction.lset(this.#key, indexOf(element), xml.reveal());
      for (const { xml } of change.remove) transaction.lrem(this.#key, 1, xml.reveal());
      for (const { xml } of change.add) transaction.rpush(this.#key, xml.reveal());
      const results = await transaction.exec();
      if (results === null) return 'conflict';
      const failure = results.find(([error]) => error)?.[0];
      if (failure) throw failure;
      return 'written';
    } catch (error) {
      throw this.#explain(error);
    }
  }

  async keepCopy(ring: StoredRing, at: Date): Promise<string> {
    const name = `${this.#key}:backup:${stamp(at)}`;
    try {
      const transaction = this.#redis.multi().del(name);
      for (const { xml } of ring.elements) transaction.rpush(name, xml.reveal());
      await transaction.exec();
      return name;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  #explain(error: unknown): KeyRingError {
    if (error instanceof KeyRingError) return error;
    const text = error instanceof Error ? error.message : '';
    const kind = /^[A-Z]{2,}/.exec(text)?.[0];
    if (kind === 'NOAUTH' || kind === 'WRONGPASS' || kind === 'NOPERM') {
      return new KeyRingError(
        'key_ring_forbidden',
        `${this.description} may not be used (${kind}).`,
        "Correct the user and password of the ring's connection string; it needs LRANGE, LSET, LREM, RPUSH, WATCH, MULTI and TIME.",
      );
    }
    return new KeyRingError(
      'key_ring_unavailable',
      `${this.description} did not answer as it should (${kind ?? 'no connection'}).`,
      'If it lasts, look at the Redis server and the network; the next run tries again.',
      kind === undefined || ['LOADING', 'READONLY', 'BUSY', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN'].includes(kind),
    );
  }
}

function indexOf({ place }: StoredElement): number {
  return Number(place.slice('item '.length));
}
