/**
 * Random histories of a ring in a folder: apps and this tool write to it, runs crash between any two calls of the store, and
 * two runs go at once. What must hold in all of them.
 */
import { randomUUID } from 'node:crypto';
import { chmod, chown, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { pruneKeyRing } from '../../src/lib/keyRing/jobs/prune.ts';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { noProtector } from '../../src/lib/keyRing/protectors/none.ts';
import type { KeyRingStore } from '../../src/lib/keyRing/reading/keyRingStore.ts';
import { readKeyRing } from '../../src/lib/keyRing/reading/readKeyRing.ts';
import { wouldMint } from '../../src/lib/keyRing/rule/consumers.ts';
import { defaultKey, isUsable } from '../../src/lib/keyRing/rule/defaultKey.ts';
import { type ViewedKey, viewKeys } from '../../src/lib/keyRing/rule/ringView.ts';
import { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { defaultKeyByNewerRule } from '../support/newerRule.ts';
import { day, instant, plainKey, revocation } from '../support/ringBuilder.ts';
import { fill, jobDeps, ringFolder, turnableClock } from '../support/testRing.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

/** A store whose process dies at the n-th call: before it is made, or after it was done. */
function crashing(store: KeyRingStore, at: number, when: 'before' | 'after'): KeyRingStore {
  let calls = 0;
  const counted = async <T>(call: () => Promise<T>): Promise<T> => {
    const dies = ++calls === at;
    if (dies && when === 'before') throw new Error('crash');
    const result = await call();
    if (dies) throw new Error('crash');
    return result;
  };
  return {
    description: store.description,
    read: () => counted(() => store.read()),
    write: (ring, change) => counted(() => store.write(ring, change)),
    keepCopy: (ring, time) => counted(() => store.keepCopy(ring, time)),
    close: () => store.close(),
  };
}

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      days: fc.integer({ min: 0, max: 45 }),
      ms: fc.integer({ min: 0, max: day }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('rotate' as const),
      crashAt: fc.integer({ min: 0, max: 6 }),
      when: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rotateTwice' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('appRefreshes' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('appRevokes' as const), index: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('revoke' as const),
      index: fc.nat(20),
      all: fc.boolean(),
      crashAt: fc.integer({ min: 0, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prune' as const), crashAt: fc.integer({ min: 0, max: 6 }) }) },
);

describe('any history of a ring', () => {
  it('keeps ids unique, keys usable and readable, one default by either rule, and apps from minting', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
        const { store, folder, remove } = await ringFolder();
        const clock = turnableClock(start);
        const view = async (): Promise<ViewedKey[]> => {
          const ring = readKeyRing(await new FolderStore(folder).read());
          expect(ring.damage).toEqual([]);
          return viewKeys(ring, noProtector);
        };
        const now = () => instant(clock.now().getTime());
        const deps = (used: KeyRingStore = store) =>
          jobDeps({ store: used, clock, policy: { pruneAfterMs: 30 * day } });
        const survive = (run: Promise<unknown>) =>
          run.catch((error: Error) => {
            if (error.message !== 'crash') throw error;
          });
        try {
          for (const taken of steps) {
            const before = await view();
            const usableBefore = before.filter((key) => isUsable(key, now()));
            switch (taken.kind) {
              case 'wait':
                clock.turn(taken.days * day + taken.ms);
                break;
              case 'rotate':
                await survive(rotateKeyRing(deps(crashing(store, taken.crashAt, taken.when))));
                if (taken.crashAt === 0) expect(wouldMint(await view(), now())).toBe(false);
                break;
              case 'rotateTwice':
                // With real waits: the other run's write takes its time.
                await Promise.all(
                  [store, new FolderStore(folder)].map((used) =>
                    rotateKeyRing({ ...deps(used), clock: { ...clock, sleep: systemClock.sleep } }),
                  ),
                );
                expect(wouldMint(await view(), now())).toBe(false);
                expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'nothingToDo' });
                break;
              case 'appRefreshes':
                if (wouldMint(before, now())) {
                  const activation = defaultKey(before, now())?.expiration ?? now();
                  await fill(store, [
                    plainKey({ id: randomUUID(), creation: `${now()}`, activation: `${activation}` }),
                  ]);
                }
                break;
              case 'appRevokes': {
                const key = before[taken.index % Math.max(1, before.length)];
                if (key) await fill(store, [revocation(clock.now().getTime(), key.id)]);
                break;
              }
              case 'revoke': {
                const key = before[taken.index % Math.max(1, before.length)];
                if (!key) break;
                const target = taken.all ? { createdBefore: undefined } : { key: key.id };
                const request = { target, reason: 'test', confirm: 'web' };
                await survive(revokeKeys(deps(crashing(store, taken.crashAt, 'after')), 'web', request));
                break;
              }
              case 'prune':
                await survive(pruneKeyRing(deps(crashing(store, taken.crashAt, 'before')), {}));
                break;
            }
            const after = await view();
            expect(new Set(after.map(({ id }) => id)).size).toBe(after.length);
            expect(after.every(({ unwraps }) => unwraps === 'yes')).toBe(true);
            if (['rotate', 'rotateTwice', 'prune'].includes(taken.kind)) {
              const usable = new Set(after.filter((key) => isUsable(key, now())).map(({ id }) => id));
              for (const { id } of usableBefore) expect(usable.has(id)).toBe(true);
            }
            for (const later of [2 * day, 3 * day, 30 * day, 89 * day]) {
              const then = instant(clock.now().getTime() + later);
              expect(defaultKeyByNewerRule(after, then)?.id).toBe(defaultKey(after, then)?.id);
            }
          }
        } finally {
          await remove();
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('what a killed process leaves behind in a folder', () => {
  let store: FolderStore;
  let folder: string;
  let remove: () => Promise<void>;
  const clock = turnableClock(start);
  beforeEach(async () => {
    clock.set(start);
    ({ store, folder, remove } = await ringFolder());
    await rotateKeyRing(jobDeps({ store, clock }));
  });
  afterEach(() => remove());

  it('is not a ring file to .NET, and stops no later run', async () => {
    await writeFile(join(folder, `${randomUUID()}.tmp`), '<key');
    const lock = join(folder, '.token-cache-maintenance.lock');
    await writeFile(lock, '');
    const longAgo = new Date(Date.now() - 600_000);
    await utimes(lock, longAgo, longAgo);
    clock.turn(80 * day);
    expect(await rotateKeyRing(jobDeps({ store, clock }))).toMatchObject({ outcome: 'published' });
    expect((await readdir(folder)).filter((name) => name.endsWith('.xml'))).toHaveLength(2);
  });

  it('is owned and readable as the files beside it', async () => {
    const [first = ''] = (await readdir(folder)).filter((name) => name.endsWith('.xml'));
    await chmod(join(folder, first), 0o640);
    // Only root may give files away.
    const owner = process.getuid?.() === 0 ? 12_345 : process.getuid?.();
    if (owner === 12_345) await chown(join(folder, first), owner, owner);
    clock.turn(80 * day);
    await rotateKeyRing(jobDeps({ store, clock }));
    const files = await Promise.all(
      (await readdir(folder)).filter((name) => name.endsWith('.xml')).map((name) => stat(join(folder, name))),
    );
    expect(files.map(({ mode, uid }) => [mode & 0o777, uid])).toEqual([
      [0o640, owner],
      [0o640, owner],
    ]);
  });

  it('holds another run up while its lock is fresh', async () => {
    await writeFile(join(folder, '.token-cache-maintenance.lock'), '');
    clock.turn(80 * day);
    await expect(rotateKeyRing(jobDeps({ store, clock }))).rejects.toMatchObject({ code: 'key_ring_busy' });
  });

  it('says that a lock is in the way, and when it goes, where a run may have been killed', async () => {
    const lock = join(folder, '.token-cache-maintenance.lock');
    await writeFile(lock, '');
    const before = new Date(Date.now() - 10_000);
    await utimes(lock, before, before);
    clock.turn(80 * day);
    await expect(rotateKeyRing(jobDeps({ store, clock }))).rejects.toMatchObject({
      code: 'key_ring_busy',
      message: expect.stringContaining('.token-cache-maintenance.lock'),
      advice: expect.stringContaining('removed after 30 s'),
    });
  });

  it('can be a successor without its revocation: revoking again finishes it', async () => {
    const successor = plainKey({ id: randomUUID(), creation: start + day });
    await fill(store, [successor]);
    clock.turn(day);
    const report = await revokeKeys(jobDeps({ store, clock }), 'web', {
      target: { createdBefore: undefined },
      reason: 'test',
      confirm: 'web',
    });
    expect(report).toMatchObject({ outcome: 'revoked', untouched: [expect.any(String)], successor: null });
  });
});
