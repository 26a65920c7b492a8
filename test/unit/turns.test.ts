/** Whose turn it is, by number and by memory. */
import { describe, expect, it } from 'vitest';
import { Room, Turns } from '../../src/functions/http/turns.ts';
import type { Clock } from '../../src/lib/clock.ts';

/** Each wait takes a turn of the event loop; its time passes at once, but for one that a signal ends. */
const clock: Clock = {
  now: () => new Date(),
  elapsed: () => 0,
  random: () => 0,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (ms < 1_000) setImmediate(resolve);
      else signal?.addEventListener('abort', () => resolve());
    }),
};

function roomOf(bytes: () => number) {
  let atOnce = 0;
  let most = 0;
  const turns = new Turns(
    { atOnce: 4, waiting: 100, patienceMs: 30_000 },
    clock,
    new Room(clock, bytes, () => undefined),
  );
  const work = async () => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise(setImmediate);
    atOnce -= 1;
  };
  return { work: () => turns.take(work), most: () => most };
}

describe('turns', () => {
  it('are as many at once as are allowed, while there is memory', async () => {
    const { work, most } = roomOf(() => 100e6);
    await Promise.all(Array.from({ length: 20 }, work));
    expect(most()).toBe(4);
  });

  it('are one at a time while the process holds much, and all come', async () => {
    const { work, most } = roomOf(() => 300e6);
    await Promise.all(Array.from({ length: 20 }, work));
    expect(most()).toBe(1);
  });

  it('leave their room where the work fails', async () => {
    const turns = new Turns(
      { atOnce: 1, waiting: 1, patienceMs: 30_000 },
      clock,
      new Room(
        clock,
        () => 300e6,
        () => undefined,
      ),
    );
    await expect(turns.take(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await turns.take(async () => 'yes')).toBe('yes');
  });
});
