import type { Socket } from 'node:net';
import { AbstractConnector, Redis } from 'ioredis';
import { unlessAborted } from '../../inTime.ts';
import type { Secret } from '../../secret.ts';
import { type Endpoint, endpointName } from '../redisConnection.ts';
import { errorOfReply, RefusedError, type Step, UnreachableError } from '../unreachable.ts';
import { openStream, type StreamOptions } from './openStream.ts';

export interface Login {
  user: string | undefined;
  /** Undefined: no AUTH is sent. */
  password: Secret | undefined;
}

export interface LineOptions extends StreamOptions {
  database: number;
  /** The primary that Sentinels are asked for, where they watch several. */
  serviceName?: string | undefined;
  /** Asked for each connection: an Entra token lives for an hour or so. */
  login: () => Promise<Login>;
}

/** Opens a line to a server, logged in and on its database; `signal` ends it at any time. */
export async function openLine(endpoint: Endpoint, options: LineOptions, signal: AbortSignal): Promise<IoredisLine> {
  // First the line: a wrong name or a closed port is worth more to a reader than a missing token.
  const stream = await openStream(endpoint, options, signal);
  const line = new IoredisLine(endpoint, stream, signal);
  try {
    await line.begin(() => unlessAborted(options.login(), signal, tokenLate), options.database);
    return line;
  } catch (error) {
    line.close();
    throw error;
  }
}

/**
 * One connection to one server, opened once: it neither reconnects nor retries nor follows redirections, which would hide
 * what its user is there to see, or send a command twice.
 */
export class IoredisLine {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** The client on the line. Its errors may carry arguments: `told` turns them into our own. */
  readonly client: Redis;
  readonly #stream: Socket;
  readonly #signal: AbortSignal;
  /** What the server said before it was asked anything, as one that takes no more clients does. */
  #greeting = '';
  #lineError = '';

  constructor(endpoint: Endpoint, stream: Socket, signal: AbortSignal) {
    this.name = endpointName(endpoint);
    this.endpoint = endpoint;
    this.#stream = stream;
    this.#signal = signal;
    this.client = new Redis({
      Connector: connectorOf(stream),
      lazyConnect: true,
      // One connection, once: a retry would hide what the watch is there to see.
      retryStrategy: null,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    this.client.on('error', (error: Error) => {
      this.#greeting ||= /Last reply: (?:ReplyError: )?(.*)/s.exec(error.message)?.[1] ?? '';
    });
    stream.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      this.#lineError = code;
    });
    signal.addEventListener('abort', this.close, { once: true });
  }

  async begin(login: () => Promise<Login>, database: number): Promise<void> {
    await this.client.connect().catch(() => undefined);
    const { user, password } = await login();
    if (password !== undefined) {
      const names = user === undefined ? [] : [user];
      await this.#needed(this.call('AUTH', ...names, password.reveal()), 'authentication', 'refuses to authenticate:');
    }
    if (database === 0) return;
    const refused = `refuses database ${database}.`;
    await this.#needed(this.call('SELECT', database), 'permission', refused).catch(async (error) => {
      // A Sentinel has no databases.
      if (!(await this.isSentinel())) throw error;
    });
  }

  close = (): void => {
    this.#signal.removeEventListener('abort', this.close);
    this.client.disconnect();
    this.#stream.destroy();
  };

  /** By its own word; one that may not be asked is none. */
  async isSentinel(): Promise<boolean> {
    try {
      return /^redis_mode:sentinel\s*$/m.test(String(await this.call('INFO', 'server')));
    } catch (error) {
      if (error instanceof RefusedError) return false;
      throw error;
    }
  }

  /** A command without which the line is of no use. */
  async #needed(work: Promise<unknown>, step: Step, refusal: string): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (error instanceof RefusedError) throw new UnreachableError(step, `${this.name} ${refusal} ${error.message}`);
      throw error;
    }
  }

  call(command: string, ...args: (string | number)[]): Promise<unknown> {
    return this.told(
      args[0] === 'SLOTS' || args[0] === 'GET' ? `${command} ${args[0]}` : command,
      this.client.call(command, ...args),
    );
  }

  /** The client's own errors carry the command with its arguments: a new error takes their place. */
  async told<T>(command: string, reply: Promise<T>): Promise<T> {
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
function tokenLate(): never {
  throw new UnreachableError('authentication', 'No token to log in with came in time.');
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
