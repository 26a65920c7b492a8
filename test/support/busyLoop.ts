/** Blocks this process's event loop for `ms` at a time, with no more than a breath in between. @returns what ends it */
export function blockEventLoop(ms: number): () => void {
  const timer = setInterval(() => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  }, 1);
  return () => clearInterval(timer);
}
