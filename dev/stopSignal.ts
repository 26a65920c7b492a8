import { ppid as parent } from 'node:process';
import { onSignal } from '../src/cli/stopSignal.ts';

/** Calls `stop` on Ctrl-C and its like, for an orderly end; a second one ends the process at once. Call it once. */
export function onStopSignal(stop: (reason: NodeJS.Signals | 'parent') => void): void {
  onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], stop);
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
