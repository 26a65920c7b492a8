import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Worker processes, as instances of the function app. */
export class Workers {
  readonly #environment: Record<string, string>;
  readonly #running: ChildProcess[] = [];
  readonly #signal: AbortSignal;

  constructor(environment: Record<string, string>, signal: AbortSignal) {
    this.#environment = environment;
    this.#signal = signal;
  }

  async start(count: number): Promise<void> {
    this.#running.push(...(await Promise.all(Array.from({ length: count }, () => this.#startOne()))));
  }

  /** Fires the timer in one of them, and waits until its messages are queued. */
  async fire(): Promise<void> {
    const [worker] = this.#running;
    if (!worker) throw new Error('no worker runs');
    const fired = once(worker, 'message', { signal: this.#signal });
    worker.send('fire');
    await fired;
  }

  /** `kill -9` of the one at this place, and another in its place. */
  async kill(place: number): Promise<void> {
    const [worker] = this.#running.splice(place, 1);
    worker?.kill('SIGKILL');
    this.#running.splice(place, 0, await this.#startOne());
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#running.splice(0).map(async (worker) => {
        const gone = once(worker, 'exit');
        worker.kill('SIGKILL');
        await gone;
      }),
    );
  }

  async #startOne(): Promise<ChildProcess> {
    const { PATH = '', HOME = '' } = process.env;
    const worker = fork(new URL('worker.ts', import.meta.url), [], {
      env: { PATH, HOME, ...this.#environment },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const ended = once(worker, 'exit').then(([code, signal]) => {
      throw new Error(`A worker ended at its start, with ${signal ?? code}.`);
    });
    ended.catch(() => undefined);
    await Promise.race([once(worker, 'message', { signal: this.#signal }), ended]);
    return worker;
  }
}
