import type { Redis } from 'ioredis';
import { systemClock } from '../../clock.ts';
import { withDeadline } from '../../inTime.ts';
import type { IoredisLine } from '../../redis/line/ioredisLine.ts';
import { type Endpoint, endpointName } from '../../redis/redisConnection.ts';
import { Patience } from '../patience.ts';

export type OpenLine = (endpoint: Endpoint, signal: AbortSignal) => Promise<IoredisLine>;

const mostRedirections = 5;

/**
 * One line to the server that holds a ring, opened when first needed and again when it was lost. It goes where a cluster
 * sends it (MOVED), and from a replica to the next endpoint (READONLY). A command is never sent twice by itself: after a
 * lost answer it is for the store to look what became of it. The line is its user's own, as WATCH belongs to a line.
 */
export class RingConnection {
  readonly #endpoints: readonly Endpoint[];
  readonly #open: OpenLine;
  readonly #patience: Patience;
  #line: IoredisLine | undefined;
  /** The endpoint to go to next. */
  #target: Endpoint | undefined;

  constructor(endpoints: readonly Endpoint[], open: OpenLine, patience = new Patience()) {
    this.#endpoints = endpoints;
    this.#open = open;
    this.#patience = patience;
  }

  /** Another try has no time left. */
  get isGivenUp(): boolean {
    return this.#patience.isOver;
  }

  /** For a reader. */
  get host(): string {
    return this.#endpoints.map(endpointName).join(', ');
  }

  /** Runs `work`, from its start again where the server sends it elsewhere: such a command was not carried out. */
  use<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    return this.#patience.ask(async (signal) => {
      signal.addEventListener('abort', () => this.close(), { once: true });
      for (let redirections = 0; ; redirections += 1) {
        const line = await this.#connected(signal);
        try {
          return await work(line.client);
        } catch (error) {
          if (redirections >= mostRedirections || !this.#isSentElsewhere(error, line.endpoint)) throw error;
          this.close();
        }
      }
    });
  }

  close(): void {
    this.#line?.close();
    this.#line = undefined;
  }

  async #connected(signal: AbortSignal): Promise<IoredisLine> {
    if (this.#line && this.#line.client.status !== 'end') return this.#line;
    const candidates = this.#target ? [this.#target, ...this.#endpoints] : this.#endpoints;
    // A server that takes the connection and is silent leaves time for the next one.
    const eachMs = this.#patience.eachMs / candidates.length;
    let failure: unknown;
    for (const endpoint of candidates) {
      try {
        this.#line = await withDeadline(systemClock, eachMs, signal, (deadline) => this.#open(endpoint, deadline));
        return this.#line;
      } catch (error) {
        failure ??= error;
        if (signal.aborted) break;
      }
    }
    throw failure;
  }

  #isSentElsewhere(error: unknown, from: Endpoint): boolean {
    const text = reasonOf(error);
    const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec(text) ?? [];
    if (port !== undefined) {
      // An empty host stands for the one that was asked (Redis cluster specification, "MOVED Redirection").
      this.#target = { host: host || from.host, port: Number(port) };
      return true;
    }
    if (!text.startsWith('READONLY')) return false;
    const at = this.#endpoints.findIndex((endpoint) => endpointName(endpoint) === endpointName(from));
    const next = this.#endpoints[at + 1];
    if (next) this.#target = next;
    return next !== undefined;
  }
}

/** The answer of the server; of a transaction that it aborted, that to the first command which it refused. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const { previousErrors } = error as { previousErrors?: unknown };
  const [first] = Array.isArray(previousErrors) ? previousErrors : [];
  return first instanceof Error ? first.message : error.message;
}
