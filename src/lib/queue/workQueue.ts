import type { WorkMessage } from './message.ts';

/**
 * The port to the queue of the app. Reading it is the Functions host's; the jobs only put messages. Everything may happen twice, late or out of order.
 */
export interface WorkQueue {
  readonly name: string;
  /** It becomes visible after `delayMs`. */
  put(message: WorkMessage, delayMs?: number): Promise<void>;
  /** When the message was put there that is the next to be worked off and was never tried; undefined where none is. */
  nextSince(): Promise<Date | undefined>;
  readonly poison: PoisonQueue;
}

/** A message that failed too often. */
export interface PoisonMessage {
  text: string;
  insertedAt: string;
}

/** `forget` takes it out of the poison queue: call it when what was to be done with it is done. */
interface TakenMessage extends PoisonMessage {
  forget(): Promise<void>;
}

/** Messages that failed too often, for an operator to look at. */
export interface PoisonQueue {
  readonly name: string;
  /** About how many there are. */
  count(): Promise<number>;
  put(message: WorkMessage): Promise<void>;
  /** The first ones, 32 at most; changes nothing. */
  peek(): Promise<PoisonMessage[]>;
  /** The next ones, 32 at most, hidden from others for a minute. */
  take(): Promise<TakenMessage[]>;
}
