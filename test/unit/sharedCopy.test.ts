import { describe, expect, it } from 'vitest';
import { sharedCopy } from '../../src/functions/http/sharedCopy.ts';
import type { Clock } from '../../src/lib/clock.ts';

function scene(maxAgeMs: number) {
  let elapsedMs = 0;
  let made = 0;
  const clock = { elapsed: () => elapsedMs } as Clock;
  const copy = sharedCopy<number>(maxAgeMs, clock);
  return {
    get: () => copy(async () => ++made),
    hang: () => copy(() => new Promise(() => undefined)),
    fail: () => copy(() => Promise.reject(new Error('unreadable'))),
    wait: (ms: number) => {
      elapsedMs += ms;
    },
  };
}

describe('a shared copy', () => {
  it('is made once for all who ask at the same time, and anew for the next', async () => {
    const { get } = scene(0);
    expect(await Promise.all([get(), get(), get()])).toEqual([1, 1, 1]);
    expect(await get()).toBe(2);
  });

  it('serves for its age, counted from when it was begun', async () => {
    const { get, wait } = scene(15_000);
    expect(await get()).toBe(1);
    wait(14_999);
    expect(await get()).toBe(1);
    wait(1);
    expect(await get()).toBe(2);
  });

  it('is tried anew where it hangs', async () => {
    const { get, hang, wait } = scene(0);
    hang();
    wait(15_000);
    expect(await get()).toBe(1);
  });

  it('shares a failure, and does not keep it beyond its age', async () => {
    const { get, fail } = scene(0);
    await expect(Promise.all([fail(), fail()])).rejects.toThrow('unreadable');
    expect(await get()).toBe(1);
  });
});
