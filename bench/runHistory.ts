import { openRecordStore } from '../src/lib/app/recordStores.ts';
import { newRunId } from '../src/lib/runs/runId.ts';
import type { RunRecord } from '../src/lib/runs/runRecord.ts';
import { readSettings } from '../src/lib/settings/settings.ts';

/** As many records as the status page goes back over: a day of counts, two of purges. */
const history = [
  { job: 'counts', count: 288, everyMs: 5 * 60_000 },
  { job: 'purge', count: 96, everyMs: 30 * 60_000 },
] as const;
const atOnce = 16;

/** Fills the record store by copies of each job's newest run, so that the page has to read what it has to in production. */
export async function writeHistory(connectionString: string, cache: string): Promise<void> {
  const records = openRecordStore(readSettings({ AzureWebJobsStorage: connectionString }, 'table').recordStore);
  for (const { job, count, everyMs } of history) {
    const [newest] = await records.latestRuns(job, cache, 1);
    if (!newest) throw new Error(`No run of ${job} is recorded.`);
    const copies = Array.from({ length: count - 1 }, (_, index) => earlier(newest, (index + 1) * everyMs));
    for (let at = 0; at < copies.length; at += atOnce)
      await Promise.all(copies.slice(at, at + atOnce).map((copy) => records.addRun(copy)));
  }
}

function earlier(record: RunRecord, ms: number): RunRecord {
  const startedAt = new Date(Date.parse(record.startedAt) - ms);
  return { ...record, runId: newRunId(record.job, record.subject, startedAt), startedAt: startedAt.toISOString() };
}
