import { describe, expect, it } from 'vitest';
import { Patience, silenceMs } from '../../src/lib/keyRing/patience.ts';
import { turnableClock } from '../support/testRing.ts';

const never = () => new Promise<never>(() => undefined);

describe('patience', () => {
  it('for a store and a vault together is 30 s', () => {
    expect(2 * silenceMs).toBe(30_000);
  });

  it('ends a call by its signal, and waits no longer for one that does not heed it', async () => {
    const patience = new Patience({ eachMs: 20 });
    let signal: AbortSignal | undefined;
    const call = patience.ask((given) => {
      signal = given;
      return never();
    });
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    expect(signal?.aborted).toBe(true);
  });

  it('is over after so much silence, tries again included, and asks no more then', async () => {
    const clock = turnableClock(0);
    const patience = new Patience({ clock });
    let calls = 0;
    const silent = () => {
      calls += 1;
      return never();
    };
    while (!patience.isOver) await patience.ask(silent).catch(() => undefined);
    expect(calls).toBeGreaterThan(1);
    expect(clock.elapsed()).toBe(silenceMs);
    const before = calls;
    await expect(patience.ask(silent)).rejects.toMatchObject({ name: 'AbortError' });
    expect(calls).toBe(before);
  });

  it('is not used up by what answers', async () => {
    const clock = turnableClock(0);
    const patience = new Patience({ clock });
    for (let call = 0; call < 100; call += 1) await patience.ask(async () => clock.turn(1_000));
    expect(patience.isOver).toBe(false);
  });
});
