import type { ChainableCommander } from 'ioredis';
import type { EntryReader, EntryRemover, EntryScanner, StoredEntry } from '../entryPorts.ts';
import type { Endpoint } from '../redisConnection.ts';
import { errorOfReply } from '../unreachable.ts';
import { type IoredisLine, type LineOptions, openLine } from './ioredisLine.ts';

/** Where Microsoft.Extensions.Caching.StackExchangeRedis keeps the entry itself (RedisCache.cs). */
const dataField = 'data';

export async function openRemover(
  endpoint: Endpoint,
  options: LineOptions,
  signal: AbortSignal,
): Promise<EntryRemover> {
  return new IoredisRemover(await openLine(endpoint, options, signal));
}

export async function openReader(endpoint: Endpoint, options: LineOptions, signal: AbortSignal): Promise<EntryReader> {
  return new IoredisReader(await openLine(endpoint, options, signal));
}

class IoredisScanner implements EntryScanner {
  readonly name: string;
  readonly #line: IoredisLine;

  constructor(line: IoredisLine) {
    this.name = line.name;
    this.#line = line;
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

  close(): void {
    this.#line.close();
  }

  /**
   * One command for each key, sent together: on a cluster, keys of one command must share their slot. A key that has moved
   * to another node, or is of another type, has no answer.
   */
  protected async each(
    command: string,
    keys: readonly Buffer[],
    add: (pipeline: ChainableCommander, key: Buffer) => void,
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

class IoredisRemover extends IoredisScanner implements EntryRemover {
  async areEntries(keys: readonly Buffer[]): Promise<boolean[]> {
    const replies = await this.each('HEXISTS', keys, (pipeline, key) => pipeline.hexists(key, dataField));
    return replies.map((reply) => reply === 1);
  }

  async unlink(keys: readonly Buffer[]): Promise<number> {
    const replies = await this.each('UNLINK', keys, (pipeline, key) => pipeline.unlink(key));
    return replies.filter((reply) => reply === 1).length;
  }
}

class IoredisReader extends IoredisScanner implements EntryReader {
  async sizes(keys: readonly Buffer[]): Promise<number[]> {
    const replies = await this.each('HSTRLEN', keys, (pipeline, key) => pipeline.hstrlen(key, dataField));
    return replies.map((reply) => Number(reply ?? 0));
  }

  async read(keys: readonly Buffer[]): Promise<(StoredEntry | undefined)[]> {
    const replies = await this.each('HMGET', keys, (pipeline, key) => pipeline.hmgetBuffer(key, dataField, 'absexp'));
    return replies.map((reply) => {
      const [data, expiration] = (reply ?? []) as (Buffer | null)[];
      return data ? { data, absoluteExpiration: dateOf(expiration?.toString() ?? '-1') } : undefined;
    });
  }

  async timesToLive(keys: readonly Buffer[]): Promise<number[]> {
    const replies = await this.each('PTTL', keys, (pipeline, key) => pipeline.pttl(key));
    return replies.map((reply) => Number(reply ?? -2));
  }
}

/** From .NET ticks: 100 ns since the year 1. The last year stands for never (DateTimeOffset.MaxValue). */
function dateOf(ticks: string): Date | undefined {
  const date = new Date((Number(ticks) - ticksAtEpoch) / 10_000);
  return Number(ticks) > ticksAtEpoch && date.getUTCFullYear() < 9999 ? date : undefined;
}

const ticksAtEpoch = 621_355_968_000_000_000;
