import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { MaintenanceError } from '../../src/lib/errors.ts';
import { FileRecordStore } from '../../src/lib/runs/fileRecordStore.ts';
import { noRecordStore, type RecordStore } from '../../src/lib/runs/recordStore.ts';
import { newRunId, parseRunId } from '../../src/lib/runs/runId.ts';
import { type Job, type Log, runJob } from '../../src/lib/runs/runJob.ts';

const record = (cache: string, startedAt: Date) => ({
  runId: newRunId('purge', cache, startedAt),
  job: 'purge',
  cache,
  trigger: 'cli',
  startedAt: startedAt.toISOString(),
  duration: 'PT1S',
  outcome: 'succeeded' as const,
});

describe('run ids', () => {
  it('sort the newest run first, and carry what finds the record', () => {
    const ids = [1, 2, 3].map((minute) => newRunId('purge', 'web', new Date(2026, 0, 1, 0, minute)));
    expect([...ids].sort()).toEqual(ids.reverse());
    expect(parseRunId(ids[0] ?? '')).toMatchObject({ job: 'purge', cache: 'web' });
  });

  it.each(['', 'purge', 'purge.web', '../../etc.web.00000000000deadbeef', 'purge.Web.00000000000deadbeef'])(
    'are not %j',
    (text) => {
      expect(parseRunId(text)).toBeUndefined();
    },
  );
});

describe('the file record store', () => {
  let folder: string;
  let store: FileRecordStore;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'records-'));
    store = new FileRecordStore(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('gives the newest runs of a cache first, and each by its id', async () => {
    const runs = [3, 1, 2].map((day) => record('web', new Date(2026, 0, day)));
    for (const run of [...runs, record('other', new Date(2027, 0, 1))]) await store.addRun(run);
    const latest = await store.latestRuns('purge', 'web', 2);
    expect(latest.map(({ startedAt }) => startedAt)).toEqual([runs[0]?.startedAt, runs[2]?.startedAt]);
    expect(await store.getRun(runs[1]?.runId ?? '')).toEqual(runs[1]);
    expect(await store.getRun('purge.web.00000000000deadbeef')).toBeUndefined();
    expect(await store.getRun('../../../etc/passwd')).toBeUndefined();
  });

  it('keeps the newest 200 runs', async () => {
    for (let second = 0; second < 205; second += 1)
      await store.addRun(record('web', new Date(2026, 0, 1, 0, 0, second)));
    expect(await readdir(join(folder, 'runs', 'purge', 'web'))).toHaveLength(200);
    expect((await store.latestRuns('purge', 'web', 1))[0]?.startedAt).toBe(
      new Date(2026, 0, 1, 0, 0, 204).toISOString(),
    );
  });

  it('keeps states, readable by the owner alone, and forgets them', async () => {
    await store.writeState('position|purge|web', 'some-key');
    expect(await store.readState('position|purge|web')).toBe('some-key');
    const [name] = await readdir(join(folder, 'state'));
    expect((await stat(join(folder, 'state', name ?? ''))).mode & 0o077).toBe(0);
    await store.writeState('position|purge|web', undefined);
    expect(await store.readState('position|purge|web')).toBeUndefined();
  });

  it('takes a file that is no JSON for none', async () => {
    await store.writeState('x', 1);
    await writeFile(join(folder, 'state', 'x.json'), '{ broken');
    expect(await store.readState('x')).toBeUndefined();
  });
});

describe('a run', () => {
  const lines: [string, string][] = [];
  const log: Log = (level, message) => void lines.push([level, message]);
  const job: Job<{ deleted: number }> = {
    job: 'purge',
    cache: 'web',
    trigger: 'timer',
    run: async () => ({ deleted: 3 }),
    summarize: ({ deleted }) => `${deleted} deleted`,
    warnings: () => ['mind the gap.'],
  };
  const run = (changes: Partial<typeof job>, records: RecordStore = noRecordStore) =>
    runJob({ clock: systemClock, records, log }, { ...job, ...changes });
  beforeEach(() => {
    lines.length = 0;
  });

  it('gives the report, and one line for the reader after its warnings', async () => {
    expect(await run({})).toMatchObject({ outcome: 'succeeded', report: { deleted: 3 }, trigger: 'timer' });
    expect(lines.map(([level]) => level)).toEqual(['warn', 'info']);
    expect(lines[1]?.[1]).toMatch(/^purge web: 3 deleted in PT/);
  });

  it('gives an error with a code and what to do, and never throws', async () => {
    const failing = async () => {
      throw new MaintenanceError('table_missing', 'It is not there.', 'Set TOKEN_CACHE_TABLE.');
    };
    expect(await run({ run: failing })).toMatchObject({
      outcome: 'failed',
      error: { code: 'table_missing', advice: 'Set TOKEN_CACHE_TABLE.' },
    });
    expect(lines).toEqual([['error', 'purge web: failed (table_missing): It is not there. Set TOKEN_CACHE_TABLE.']]);
  });

  it('says of an unexpected failure that it is a defect', async () => {
    const failing = async () => {
      throw new TypeError('x is undefined');
    };
    expect(await run({ run: failing })).toMatchObject({ outcome: 'failed', error: { code: 'internal_error' } });
  });

  it('costs nothing but a warning when its record cannot be kept', async () => {
    const broken = { ...noRecordStore, addRun: () => Promise.reject(new Error('disk full')) };
    expect(await run({}, broken)).toMatchObject({ outcome: 'succeeded' });
    expect(lines.at(-1)?.[1]).toContain('disk full');
  });
});
