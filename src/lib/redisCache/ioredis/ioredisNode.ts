import type { Socket } from 'node:net';
import { AbstractConnector, Redis } from 'ioredis';
import { type Endpoint, endpointName } from '../redisConnection.ts';
import type { KeyReader, RedisEntry, RedisNode } from '../redisNode.ts';
import { errorOfReply, RefusedError, UnreachableError } from '../unreachable.ts';
import { openStream, type StreamOptions } from './openStream.ts';

export interface Login {
  user: string | undefined;
  /** Undefined: no AUTH is sent. */
  password: string | undefined;
}

export interface NodeOptions extends StreamOptions {
  database: number;
  /** Asked for each connection: an Entra token lives for an hour or so. */
  login: () => Promise<Login>;
}

/** Opens a node of a Redis with `ioredis`: logged in, and on the cache's database. */
export async function openNode(endpoint: Endpoint, options: NodeOptions, signal: AbortSignal): Promise<RedisNode> {
  // First the line: a wrong name or a closed port is worth more to a reader than a missing token.
  const stream = await openStream(endpoint, options, signal);
  const node = new IoredisNode(endpoint, stream, signal);
  try {
    await node.begin(() => inTime(options.login(), signal), options.database);
    return node;
  } catch (error) {
    node.close();
    throw error;
  }
}

class IoredisNode implements RedisNode {
  readonly name: string;
  readonly keys: KeyReader;
  readonly #endpoint: Endpoint;
  readonly #redis: Redis;
  readonly #stream: Socket;
  readonly #signal: AbortSignal;
  /** What the server said before it was asked anything, as one that takes no more clients does. */
  #greeting = '';
  #lineError = '';

  constructor(endpoint: Endpoint, stream: Socket, signal: AbortSignal) {
    this.name = endpointName(endpoint);
    this.#endpoint = endpoint;
    this.#stream = stream;
    this.#signal = signal;
    this.#redis = new Redis({
      Connector: connectorOf(stream),
      lazyConnect: true,
      // One connection, once: a retry would hide what the watch is there to see.
      retryStrategy: null,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    this.#redis.on('error', (error: Error) => {
      this.#greeting ||= /Last reply: (?:ReplyError: )?(.*)/s.exec(error.message)?.[1] ?? '';
    });
    stream.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      this.#lineError = code;
    });
    signal.addEventListener('abort', this.close, { once: true });
    this.keys = {
      scan: async (cursor, count) => {
        const [next, keys] = (await this.#call('SCAN', cursor, 'COUNT', count)) as [string, string[]];
        return { cursor: next, keys };
      },
      timesToLive: (keys) => this.#timesToLive(keys),
      type: (key) => this.#type(key),
    };
  }

  async begin(login: () => Promise<Login>, database: number): Promise<void> {
    await this.#redis.connect().catch(() => undefined);
    const { user, password } = await login();
    if (password !== undefined) await this.#authenticate(user, password);
    if (database !== 0) await this.#select(database);
  }

  async info(): Promise<string> {
    return String(await this.#call('INFO'));
  }

  async config(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const values = new Map<string, string>();
    for (const name of names) {
      const [found, value] = (await this.#call('CONFIG', 'GET', name)) as string[];
      if (found !== undefined && value !== undefined) values.set(found, value);
    }
    return values;
  }

  /** CLUSTER SLOTS: first and last slot, then the primary's address; an empty one means the address that was asked. */
  async clusterPrimaries() {
    const ranges = (await this.#call('CLUSTER', 'SLOTS')) as [number, number, [string | null, number, ...unknown[]]][];
    const primaries = new Map<string, Endpoint>();
    let covered = 0;
    for (const [first, last, [address, port]] of ranges) {
      covered += last - first + 1;
      const endpoint = { host: !address || address === '?' ? this.#endpoint.host : address, port };
      primaries.set(endpointName(endpoint), endpoint);
    }
    return { primaries: [...primaries.values()], slotsUncovered: 16_384 - covered };
  }

  async ping(): Promise<void> {
    await this.#call('PING');
  }

  async entries(keys: readonly string[]): Promise<(RedisEntry | undefined)[]> {
    const pipeline = this.#redis.pipeline();
    for (const key of keys) pipeline.hmgetBuffer(key, 'absexp', 'sldexp', 'data');
    const replies = await this.#told('HMGET', pipeline.exec());
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
    this.#signal.removeEventListener('abort', this.close);
    this.#redis.disconnect();
    this.#stream.destroy();
  };

  async #authenticate(user: string | undefined, password: string): Promise<void> {
    try {
      await this.#call('AUTH', ...(user === undefined ? [] : [user]), password);
    } catch (error) {
      if (error instanceof RefusedError)
        throw new UnreachableError('authentication', `${this.name} refuses to authenticate: ${error.message}`);
      throw error;
    }
  }

  async #select(database: number): Promise<void> {
    try {
      await this.#call('SELECT', database);
    } catch (error) {
      if (error instanceof RefusedError)
        throw new UnreachableError('permission', `${this.name} refuses database ${database}. ${error.message}`);
      throw error;
    }
  }

  async #timesToLive(keys: readonly string[]): Promise<number[]> {
    const pipeline = this.#redis.pipeline();
    for (const key of keys) pipeline.pttl(key);
    const replies = await this.#told('PTTL', pipeline.exec());
    return (replies ?? []).map(([error, value]) => {
      if (!error) return Number(value);
      // A key whose slot has just moved to another node is gone from this one.
      if (/^(MOVED|ASK) /.test(error.message)) return -2;
      throw errorOfReply(this.name, 'PTTL', error.message);
    });
  }

  async #type(key: string): Promise<string> {
    try {
      return String(await this.#call('TYPE', key));
    } catch (error) {
      if (error instanceof UnreachableError && error.step === 'moved') return 'none';
      throw error;
    }
  }

  #call(command: string, ...args: (string | number)[]): Promise<unknown> {
    return this.#told(
      args[0] === 'SLOTS' || args[0] === 'GET' ? `${command} ${args[0]}` : command,
      this.#redis.call(command, ...args),
    );
  }

  /** The client's own errors carry the command with its arguments: a new error takes their place. */
  async #told<T>(command: string, reply: Promise<T>): Promise<T> {
    try {
      return await reply;
    } catch (error) {
      if (this.#signal.aborted)
        throw new UnreachableError('answer', `${this.name} gave no answer to ${command} in time.`);
      const { name, message } = error as Error;
      if (name === 'ReplyError') {
        // Only told of a server without passwords: the app's client goes on as well.
        if (command === 'AUTH' && /without any password|no password is set/i.test(message)) return undefined as T;
        throw errorOfReply(this.name, command, message);
      }
      if (this.#greeting) throw errorOfReply(this.name, command, this.#greeting);
      // TLS 1.3: a server may refuse the client after the handshake, as one that asks for a certificate.
      if (this.#lineError.startsWith('ERR_SSL'))
        throw new UnreachableError('tls', `The TLS handshake with ${this.name} failed: ${this.#lineError}.`);
      throw new UnreachableError('answer', `${this.name} closed the connection at ${command}.`);
    }
  }
}

/** A source of tokens that hangs must not hold the look up. */
function inTime(login: Promise<Login>, signal: AbortSignal): Promise<Login> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new UnreachableError('authentication', 'No token to log in with came in time.'));
    if (signal.aborted) late();
    signal.addEventListener('abort', late, { once: true });
    login.then(resolve, reject).finally(() => signal.removeEventListener('abort', late));
  });
}

/** Hands the client a line that is open already. */
function connectorOf(stream: Socket) {
  return class extends AbstractConnector {
    constructor() {
      super(0);
    }
    async connect(): Promise<Socket> {
      this.stream = stream;
      return stream;
    }
  };
}
