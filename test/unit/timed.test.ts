/** The timer of a job, with runs of the test's own. */
import { type InvocationContext, InvocationContext as TestContext, type Timer } from '@azure/functions';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { WorkOnSubject } from '../../src/functions/support/timed.ts';
import type { RunResult } from '../../src/lib/runs/runJob.ts';

const names = Array.from({ length: 40 }, (_, index) => `ring${index}`);

describe('the timer of key rings', () => {
  let fire: (work: WorkOnSubject) => Promise<unknown>;

  beforeAll(async () => {
    const rings = names.map((name) => ({
      name,
      store: { kind: 'folder', path: `/nowhere/${name}` },
      protector: { kind: 'none' },
    }));
    vi.stubEnv('KEY_RINGS', JSON.stringify(rings));
    vi.stubEnv('RECORD_STORE', 'none');
    // Caches of the rings' names, all on one server.
    vi.stubEnv('TOKEN_CACHES', JSON.stringify(names.map((name) => ({ name, connectionStringSetting: 'CACHE' }))));
    vi.stubEnv('CACHE', 'Host=h;Username=u;Database=d');
    // Settings are read when the functions are loaded.
    vi.resetModules();
    const { timerHandler } = await import('../../src/functions/support/timed.ts');
    const context: InvocationContext = new TestContext({ functionName: 'rotateKeyRing', logHandler: () => undefined });
    fire = async (work) => timerHandler('rotateKeyRing', work)({} as Timer, context);
  });
  afterAll(() => vi.unstubAllEnvs());

  const done = (subject: string): RunResult<'rotateKeyRing'> => ({
    runId: 'r',
    job: 'rotateKeyRing',
    subject,
    trigger: 'timer',
    startedAt: new Date().toISOString(),
    duration: 'PT0S',
    outcome: 'succeeded',
    dryRun: false,
  });

  it('looks after the rings side by side: ten that are silent hold up none of the others', async () => {
    const others = Promise.withResolvers<void>();
    let ended = 0;
    const fired = fire(async (_, ring) => {
      if (names.indexOf(ring) < 10) await others.promise;
      else if (++ended === names.length - 10) others.resolve();
      return done(ring);
    });
    await expect(fired).resolves.toBeUndefined();
  });

  it('looks after some of them at once, not after all', async () => {
    let [now, most] = [0, 0];
    await fire(async (_, ring) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
      return done(ring);
    });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThan(names.length);
  });

  it('fails at the end with each reason once, and the rings that it stopped', async () => {
    const error = { code: 'key_ring_unavailable', message: 'No answer.', advice: 'Look at it.' };
    const fired = fire(async (_, ring) => ({
      ...done(ring),
      ...(/^ring1?[01]$/.test(ring) && { outcome: 'failed', error }),
    }));
    await expect(fired).rejects.toThrow('ring0, ring1, ring10, ring11: key_ring_unavailable: No answer. Look at it.');
  });
});
