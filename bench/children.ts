import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Way } from './ways.ts';

/**
 * The load and each purge run in processes of their own: neither waits for the other's event loop, and peak memory is
 * the purge's. They speak by IPC: a child says `ready`, gets one message, answers by one and ends.
 */
interface Ready {
  kind: 'ready';
}

/** In ms of the machine's monotonic clock, which all processes share. */
export interface Window {
  from: number;
  to: number;
}

export interface PurgeDone extends Window {
  kind: 'done';
  deleted: number;
  /** When the first statement of the deletion began: connecting, locks and checks lie before. */
  deletingFrom: number;
  peakBytes: number;
  /** What a reader of the figures must know, such as a pause for the database's load. */
  notes: string[];
}

/** Latencies in ms of the operations that were due within the window, and of each when it was due. */
export interface LoadDone {
  kind: 'done';
  reads: number[];
  revives: number[];
  operations: Operation[];
  /** Operations that failed, by their messages. */
  failures: string[];
}

export interface Operation {
  kind: 'read' | 'revive';
  due: number;
  ms: number;
}

export interface PurgeWayOptions {
  way: Way;
  url: string;
  idleSeconds: number;
}

export interface SignInOptions {
  url: string;
  connections: number;
  rate: number;
  warmUpMs: number;
  /** Keys of the writes are `PREFIX0` to `PREFIXn`; left out, those of entries that have expired at the start. */
  revived?: { prefix: string; count: number };
}

/** No child lives longer, whatever hangs. */
const childLimitMs = 2 * 60 * 60_000;

export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export class Child<Options, Done> {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #exit: Promise<never>;

  constructor(name: string, options: Options, signal: AbortSignal) {
    this.#name = name;
    this.#process = fork(new URL(name, import.meta.url), [JSON.stringify(options)], { signal, timeout: childLimitMs });
    this.#exit = this.#failure();
    this.#exit.catch(() => undefined);
  }

  async ready(): Promise<void> {
    await this.#message<Ready>();
  }

  /** Sends the one message, and returns the child's answer. */
  async finish(message: Window | 'go'): Promise<Done> {
    this.#process.send(message);
    return this.#message<Done>();
  }

  kill(): void {
    this.#process.kill();
  }

  async #message<M>(): Promise<M> {
    const [message] = await Promise.race([once(this.#process, 'message'), this.#exit]);
    return message as M;
  }

  async #failure(): Promise<never> {
    const [code, signal] = await once(this.#process, 'exit');
    throw new Error(`${this.#name} ended before its answer, with ${signal ?? code}.`);
  }
}

/** The child's side: its options, and the parent's message once the child is ready. */
export function optionsOfChild<Options>(): Options {
  return JSON.parse(process.argv[2] ?? '{}') as Options;
}

export async function readyFor<Message>(): Promise<Message> {
  // A parent that died must not leave children behind that go on loading a server.
  process.once('disconnect', () => process.exit(1));
  const received = once(process, 'message');
  process.send?.({ kind: 'ready' } satisfies Ready);
  const [message] = await received;
  return message as Message;
}

export function answer(done: PurgeDone | LoadDone): void {
  process.send?.(done, () => process.exit(0));
}
