import type { Clock } from '../clock.ts';
import type { WorkMessage } from './message.ts';
import type { Receipt, WorkQueue } from './workQueue.ts';

/** Renewed so often within its time, so that one lost answer does not let it appear. */
const renewals = 3;

/**
 * A message kept invisible while a run is under way. When the instance dies, it appears, and another takes the run over: the
 * host's own message stays invisible for up to 10 minutes then (WebJobs SDK, QueueListener: `_visibilityTimeout`).
 * It never fails a run: without it, the host's message is still there.
 */
export class Standby {
  readonly #queue: WorkQueue;
  readonly #message: WorkMessage;
  readonly #afterMs: number;
  readonly #clock: Clock;
  readonly #done = new AbortController();
  #receipt: Receipt | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(queue: WorkQueue, message: WorkMessage, afterMs: number, clock: Clock) {
    this.#queue = queue;
    this.#message = message;
    this.#afterMs = afterMs;
    this.#clock = clock;
  }

  async begin(): Promise<void> {
    this.#receipt = await this.#queue.put(this.#message, this.#afterMs).catch(() => undefined);
    if (this.#receipt) this.#renewing = this.#renew();
  }

  /** It becomes `message`, and appears after `delayMs`; where it is gone, as a new message. */
  async become(message: WorkMessage, delayMs: number): Promise<void> {
    const receipt = await this.#stop();
    const changed = receipt && (await this.#queue.change(receipt, message, delayMs));
    if (!changed) await this.#queue.put(message, delayMs);
  }

  async remove(): Promise<void> {
    const receipt = await this.#stop();
    // Where that fails it appears, and is dropped: its run is done.
    if (receipt) await this.#queue.remove(receipt).catch(() => undefined);
  }

  async #stop(): Promise<Receipt | undefined> {
    this.#done.abort();
    await this.#renewing;
    return this.#receipt;
  }

  async #renew(): Promise<void> {
    while (this.#receipt) {
      await this.#clock.sleep(this.#afterMs / renewals, this.#done.signal);
      if (this.#done.signal.aborted) return;
      const receipt = this.#receipt;
      // A failed call may have worked: then the old receipt is no good, and the message appears in time.
      this.#receipt = await this.#queue.change(receipt, this.#message, this.#afterMs).catch(() => receipt);
    }
  }
}
