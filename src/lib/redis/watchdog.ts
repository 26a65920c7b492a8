/** Ends a connection whose server gives no answer: its signal aborts when one step takes longer than `timeoutMs`. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** For the connection: it ends all that waits for it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async watch<T>(step: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#controller.abort(), this.#timeoutMs);
    try {
      return await step();
    } finally {
      clearTimeout(timer);
    }
  }

  stop(): void {
    this.#controller.abort();
  }
}
