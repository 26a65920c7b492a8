import type { ChainableCommander } from 'ioredis';
import type { EntryForm } from '../../entryForm.ts';
import { type Endpoint, endpointName } from '../redisConnection.ts';
import type { EntryReader, EntryRemover, KeyReader, RedisEntry, RedisNode, StoredEntry } from '../redisNode.ts';
import { errorOfReply, UnreachableError } from '../unreachable.ts';
import { type IoredisLine, type LineOptions, openLine } from './ioredisLine.ts';
import { askSentinel } from './sentinelLine.ts';

/** Opens a node of a Redis with `ioredis`: logged in, and on the cache's database. */
export async function openNode(
  endpoint: Endpoint,
  options: LineOptions,
  signal: AbortSignal,
): Promise<RedisNode & EntryRemover & EntryReader> {
  return new IoredisNode(await openLine(endpoint, options, signal), options.serviceName);
}

/** Where Microsoft.Extensions.Caching.StackExchangeRedis keeps the entry itself (RedisCache.cs). */
const dataField = 'data';

class IoredisNode implements RedisNode, EntryRemover, EntryReader {
  readonly name: string;
  readonly keys: KeyReader;
  readonly #line: IoredisLine;
  readonly #serviceName: string | undefined;

  constructor(line: IoredisLine, serviceName: string | undefined) {
    this.name = line.name;
    this.#serviceName = serviceName;
    this.#line = line;
    this.keys = {
      scan: async (cursor, count) => {
        const [next, keys] = (await this.#line.call('SCAN', cursor, 'COUNT', count)) as [string, string[]];
        return { cursor: next, keys };
      },
      timesToLive: (keys) => this.timesToLive(keys),
      type: (key) => this.#type(key),
    };
  }

  async info(...section: string[]): Promise<string> {
    return String(await this.#line.call('INFO', ...section));
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

  async sentinel() {
    return (await this.#line.isSentinel()) ? askSentinel(this.#line, this.#serviceName) : undefined;
  }

  async ping(): Promise<void> {
    await this.#line.call('PING');
  }

  async entries(keys: readonly (string | Buffer)[]): Promise<(RedisEntry | undefined)[]> {
    const replies = await this.#each('HMGET', keys, (pipeline, key) =>
      pipeline.hmgetBuffer(key, 'absexp', 'sldexp', dataField),
    );
    return replies.map((reply) => {
      const [absexp, sldexp, data] = (reply ?? []) as (Buffer | null)[];
      if (!absexp && !sldexp && !data) return undefined;
      return { absexp: absexp?.toString(), sldexp: sldexp?.toString(), data: data ?? undefined };
    });
  }

  async keyCount(): Promise<number> {
    return Number(await this.#line.call('DBSIZE'));
  }

  async scan(cursor: string, pattern: Buffer, count: number): Promise<{ cursor: string; keys: Buffer[] }> {
    const [next, keys] = (await this.#line.told(
      'SCAN',
      this.#line.client.callBuffer('SCAN', cursor, 'MATCH', pattern, 'COUNT', count),
    )) as [Buffer, Buffer[]];
    return { cursor: next.toString(), keys };
  }

  async areEntries(keys: readonly Buffer[]): Promise<boolean[]> {
    const replies = await this.#each('HEXISTS', keys, (pipeline, key) => pipeline.hexists(key, dataField));
    return replies.map((reply) => reply === 1);
  }

  async unlink(keys: readonly Buffer[]): Promise<number> {
    const replies = await this.#each('UNLINK', keys, (pipeline, key) => pipeline.unlink(key));
    return replies.filter((reply) => reply === 1).length;
  }

  async forms(keys: readonly Buffer[]): Promise<(EntryForm | undefined)[]> {
    const replies = await this.#each('EVAL', keys, (pipeline, key) => pipeline.callBuffer('EVAL', formScript, 1, key));
    return replies.map((reply) => {
      const [start, end] = (reply ?? []) as Buffer[];
      return start && end ? { start, end } : undefined;
    });
  }

  async unlinkForms(entries: readonly { key: Buffer; form: EntryForm }[]): Promise<boolean[]> {
    const forms = new Map(entries.map(({ key, form }) => [key, form]));
    const replies = await this.#each('EVAL', [...forms.keys()], (pipeline, key) => {
      const { start, end } = forms.get(key) ?? { start: Buffer.alloc(0), end: Buffer.alloc(0) };
      return pipeline.callBuffer('EVAL', unlinkFormScript, 1, key, Buffer.from(start), Buffer.from(end));
    });
    return replies.map((reply) => reply === 1);
  }

  async sizes(keys: readonly Buffer[]): Promise<number[]> {
    const replies = await this.#each('HSTRLEN', keys, (pipeline, key) => pipeline.hstrlen(key, dataField));
    return replies.map((reply) => Number(reply ?? 0));
  }

  async read(keys: readonly Buffer[]): Promise<(StoredEntry | undefined)[]> {
    return (await this.entries(keys)).map((entry) =>
      entry?.data ? { data: entry.data, absoluteExpiration: dateOf(entry.absexp ?? '-1') } : undefined,
    );
  }

  async timesToLive(keys: readonly (string | Buffer)[]): Promise<number[]> {
    const replies = await this.#each('PTTL', keys, (pipeline, key) => pipeline.pttl(key));
    return replies.map((reply) => Number(reply ?? -2));
  }

  close = (): void => {
    this.#line.close();
  };

  async #type(key: string): Promise<string> {
    try {
      return String(await this.#line.call('TYPE', key));
    } catch (error) {
      if (error instanceof UnreachableError && error.step === 'moved') return 'none';
      throw error;
    }
  }

  /**
   * One command for each key, sent together: on a cluster, keys of one command must share their slot. A key that has moved
   * to another node, or is of another type, has no answer.
   */
  async #each<K extends string | Buffer>(
    command: string,
    keys: readonly K[],
    add: (pipeline: ChainableCommander, key: K) => void,
  ): Promise<unknown[]> {
    if (keys.length === 0) return [];
    const pipeline = this.#line.client.pipeline();
    for (const key of keys) add(pipeline, key);
    const replies = (await this.#line.told(command, pipeline.exec())) ?? [];
    return replies.map(([error, value]) => {
      if (!error) return value;
      if (/^(MOVED|ASK|WRONGTYPE) /.test(error.message)) return undefined;
      throw errorOfReply(this.name, command, error.message);
    });
  }
}

/** The first 20 bytes of an entry's value, and its last: Redis has no command for a part of a field. */
const formScript = `
local data = redis.pcall('HGET', KEYS[1], 'data')
if type(data) ~= 'string' then return {} end
return { string.sub(data, 1, 20), string.sub(data, -1) }`;
/** In one step, so that an entry that was written in between is another, and stays. */
const unlinkFormScript = `
local data = redis.pcall('HGET', KEYS[1], 'data')
if type(data) ~= 'string' or string.sub(data, 1, 20) ~= ARGV[1] or string.sub(data, -1) ~= ARGV[2] then return 0 end
return redis.call('UNLINK', KEYS[1])`;

/** From .NET ticks: 100 ns since the year 1. The last year stands for never (DateTimeOffset.MaxValue). */
function dateOf(ticks: string): Date | undefined {
  const date = new Date((Number(ticks) - ticksAtEpoch) / 10_000);
  return Number(ticks) > ticksAtEpoch && date.getUTCFullYear() < 9999 ? date : undefined;
}

const ticksAtEpoch = 621_355_968_000_000_000;
