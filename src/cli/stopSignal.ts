/** npm and timeout(1) pass on a signal that the process has had already: only a later one is a second. */
const sameSignalMs = 1_000;

/** Calls `stop` at a signal, for an orderly end; a second signal ends the process at once. Call it once. */
export function onSignal<S extends NodeJS.Signals>(signals: readonly S[], stop: (signal: S) => void): void {
  let firstAt: number | undefined;
  for (const signal of signals) {
    process.on(signal, () => {
      firstAt ??= performance.now();
      if (performance.now() - firstAt > sameSignalMs) process.exit(130);
      stop(signal);
    });
  }
}
