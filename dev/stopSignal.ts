import { ppid as parent } from 'node:process';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm passes on the signal that the terminal has sent already: only a later one is a second. */
const sameSignalMs = 1_000;
let firstAt: number | undefined;

/** Calls `stop` on Ctrl-C and its like, for an orderly end; a second one ends the process at once. Call it once. */
export function onStopSignal(stop: (reason: NodeJS.Signals | 'parent') => void): void {
  for (const signal of signals) {
    process.on(signal, () => {
      firstAt ??= performance.now();
      if (performance.now() - firstAt > sameSignalMs) process.exit(130);
      stop(signal);
    });
  }
  watchParent(stop);
}

/** A signal to npm alone may end npm and its shell, and never come here: their end counts as one. */
function watchParent(stop: (reason: 'parent') => void): void {
  if (!process.env.npm_lifecycle_event) return;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop('parent');
  }, 500).unref();
}
