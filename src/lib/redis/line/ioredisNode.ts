import { type Endpoint, endpointName } from '../redisConnection.ts';
import type { KeyReader, RedisEntry, RedisNode } from '../redisNode.ts';
import { errorOfReply, UnreachableError } from '../unreachable.ts';
import { type IoredisLine, type LineOptions, openLine } from './ioredisLine.ts';

/** Opens a node of a Redis with `ioredis`: logged in, and on the cache's database. */
export async function openNode(endpoint: Endpoint, options: LineOptions, signal: AbortSignal): Promise<RedisNode> {
  return new IoredisNode(await openLine(endpoint, options, signal));
}

class IoredisNode implements RedisNode {
  readonly name: string;
  readonly keys: KeyReader;
  readonly #line: IoredisLine;

  constructor(line: IoredisLine) {
    this.name = line.name;
    this.#line = line;
    this.keys = {
      scan: async (cursor, count) => {
        const [next, keys] = (await this.#line.call('SCAN', cursor, 'COUNT', count)) as [string, string[]];
        return { cursor: next, keys };
      },
      timesToLive: (keys) => this.#timesToLive(keys),
      type: (key) => this.#type(key),
    };
  }

  async info(): Promise<string> {
    return String(await this.#line.call('INFO'));
  }

  async config(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const values = new Map<string, string>();
    for (const name of names) {
      const [found, value] = (await this.#line.call('CONFIG', 'GET', name)) as string[];
      if (found !== undefined && value !== undefined) values.set(found, value);
    }
    return values;
  }

  /** CLUSTER SLOTS: first and last slot, then the primary's address; an empty one means the address that was asked. */
  async clusterPrimaries() {
    const ranges = (await this.#line.call('CLUSTER', 'SLOTS')) as [
      number,
      number,
      [string | null, number, ...unknown[]],
    ][];
    const primaries = new Map<string, Endpoint>();
    let covered = 0;
    for (const [first, last, [address, port]] of ranges) {
      covered += last - first + 1;
      const endpoint = { host: !address || address === '?' ? this.#line.endpoint.host : address, port };
      primaries.set(endpointName(endpoint), endpoint);
    }
    return { primaries: [...primaries.values()], slotsUncovered: 16_384 - covered };
  }

  async ping(): Promise<void> {
    await this.#line.call('PING');
  }

  async entries(keys: readonly string[]): Promise<(RedisEntry | undefined)[]> {
    const pipeline = this.#line.client.pipeline();
    for (const key of keys) pipeline.hmgetBuffer(key, 'absexp', 'sldexp', 'data');
    const replies = await this.#line.told('HMGET', pipeline.exec());
    return (replies ?? []).map(([error, value]) => {
      // Another type of value, or a key whose slot has moved: no entry of this node.
      if (error && /^(WRONGTYPE|MOVED|ASK) /.test(error.message)) return undefined;
      if (error) throw errorOfReply(this.name, 'HMGET', error.message);
      const [absexp, sldexp, data] = value as (Buffer | null)[];
      if (!absexp && !sldexp && !data) return undefined;
      return { absexp: absexp?.toString(), sldexp: sldexp?.toString(), data: data ?? undefined };
    });
  }

  close = (): void => {
    this.#line.close();
  };

  async #timesToLive(keys: readonly string[]): Promise<number[]> {
    const pipeline = this.#line.client.pipeline();
    for (const key of keys) pipeline.pttl(key);
    const replies = await this.#line.told('PTTL', pipeline.exec());
    return (replies ?? []).map(([error, value]) => {
      if (!error) return Number(value);
      // A key whose slot has just moved to another node is gone from this one.
      if (/^(MOVED|ASK) /.test(error.message)) return -2;
      throw errorOfReply(this.name, 'PTTL', error.message);
    });
  }

  async #type(key: string): Promise<string> {
    try {
      return String(await this.#line.call('TYPE', key));
    } catch (error) {
      if (error instanceof UnreachableError && error.step === 'moved') return 'none';
      throw error;
    }
  }
}
