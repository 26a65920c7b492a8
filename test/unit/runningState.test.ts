/** What a run that is under way tells, and what is told of one whose process is gone. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import { noRecordStore, type RecordStore } from '../../src/lib/runs/recordStore.ts';
import { readRunning, readTold, runningState } from '../../src/lib/runs/runningState.ts';

const states = new Map<string, unknown>();
let write: () => Promise<void>;
let writes = 0;
const records: RecordStore = {
  ...noRecordStore,
  readState: async (key) => states.get(key),
  writeState: async (key, value) => {
    writes += 1;
    await write();
    states.set(key, value);
  },
};
const clock: Clock = {
  now: () => new Date(),
  elapsed: () => Date.now(),
  sleep: async () => undefined,
  random: () => 0,
};
const running = () => readRunning(records, 'web', new Date());
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-24T06:00:00Z') });
  states.clear();
  writes = 0;
  write = async () => undefined;
});
afterEach(() => vi.useRealTimers());

it('a run tells what it has deleted, its earlier tries included, and goes on telling while it pauses', async () => {
  const state = runningState(records, 'web', 'r1', clock);
  await state.begin(70);
  expect(await running()).toMatchObject({ runId: 'r1', deleted: 70, lost: false });
  await seconds(3);
  state.update(30);
  await seconds(300);
  expect(await running()).toMatchObject({ deleted: 100, lost: false });
  state.end();
  await state.forget();
  expect(await running()).toBeUndefined();
});

it('a run whose process was killed is lost after 30 s, with what it told last, until the next one begins', async () => {
  const killed = runningState(records, 'web', 'r1', clock);
  await killed.begin();
  await seconds(3);
  killed.update(30);
  killed.end();
  await seconds(30);
  expect(await running()).toMatchObject({ runId: 'r1', deleted: 30, lost: false });
  await seconds(1);
  expect(await running()).toMatchObject({ runId: 'r1', deleted: 30, lost: true });
  const next = runningState(records, 'web', 'r2', clock);
  await next.begin();
  expect(await running()).toMatchObject({ runId: 'r2', deleted: 0, lost: false });
  expect(await readTold(records, 'r1')).toMatchObject({ deleted: 30 });
  next.end();
  await next.forget();
  expect(await running()).toBeUndefined();
});

it('a run that ends takes nothing away from the one that has begun meanwhile', async () => {
  const [first, second] = [runningState(records, 'web', 'r1', clock), runningState(records, 'web', 'r2', clock)];
  await first.begin();
  first.end();
  await second.begin();
  await first.forget();
  expect(await running()).toMatchObject({ runId: 'r2' });
  second.end();
});

it('a storage that is slow is asked for one thing at a time, and not for what is old', async () => {
  const state = runningState(records, 'web', 'r1', clock);
  await state.begin();
  write = async () => void (await new Promise((resolve) => setTimeout(resolve, 10_000)));
  writes = 0;
  for (let deleted = 1; deleted <= 60; deleted += 1) {
    state.update(deleted);
    await seconds(1);
  }
  expect(writes).toBeLessThanOrEqual(7);
  state.end();
  const forgotten = state.forget();
  await seconds(30);
  await forgotten;
  expect(await running()).toBeUndefined();
});

it('a storage that fails costs the run nothing, and is tried again', async () => {
  write = () => Promise.reject(new Error('away'));
  const state = runningState(records, 'web', 'r1', clock);
  await expect(state.begin()).rejects.toThrow('away');
  await seconds(15);
  expect(await running()).toBeUndefined();
  write = async () => undefined;
  await seconds(10);
  expect(await running()).toMatchObject({ runId: 'r1', lost: false });
  state.end();
});
