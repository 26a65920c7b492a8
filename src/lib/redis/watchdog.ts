import type { Endpoint } from './redisConnection.ts';
import type { Open } from './redisNode.ts';

/**
 * Opens a node for some work, and closes it after that. A server that gives no answer for `timeoutMs`, at the opening or at
 * any call, is given up: the connection ends, and the call rejects.
 */
export async function watched<N extends { close(): void }, T>(
  open: Open<N>,
  endpoint: Endpoint,
  timeoutMs: number,
  work: (node: N) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const inTime = async <R>(step: () => Promise<R>): Promise<R> => {
    const timer = setTimeout(() => end.abort(), timeoutMs);
    try {
      return await step();
    } finally {
      clearTimeout(timer);
    }
  };
  let node: N | undefined;
  try {
    const opened = await inTime(() => open(endpoint, end.signal));
    node = opened;
    const timed = new Proxy(opened, {
      get: (_, name) => {
        const member: unknown = Reflect.get(opened, name);
        return typeof member === 'function'
          ? (...args: unknown[]) => inTime(async () => member.apply(opened, args))
          : member;
      },
    });
    return await work(timed);
  } finally {
    node?.close();
    end.abort();
  }
}
