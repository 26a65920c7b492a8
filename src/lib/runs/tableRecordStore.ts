import type { TableClient } from '@azure/data-tables';
import { soon } from '../azure/storage.ts';
import { once } from '../once.ts';
import type { JobName } from './catalogue.ts';
import { parseKept, type RecordStore } from './recordStore.ts';
import { parseRunId, rowsBefore } from './runId.ts';
import { type RunRecord, readRecord } from './runRecord.ts';

/** Name of the table in the storage account. */
export const recordTableName = 'tokencachemaintenance';

/** Records are kept this long, and so many of each job and subject; older ones are removed once a day. */
const keptDays = 90;
const keptRuns = 5_000;
const dayMs = 86_400_000;

/** A string property holds 64 KiB of UTF-16 (Azure documentation, "Understanding the Table service data model"). */
const pieceLength = 30_000;
/** A record over this many characters is kept without its report: an entity holds 1 MiB of UTF-16. */
const maxLength = 400_000;

const statePartition = 'state';

interface Pieces {
  [piece: `json${number}`]: string | undefined;
}

/**
 * Records in Azure Table Storage: partition `{job}|{subject}`, row key inverted time and random, so that the newest run comes
 * first. Makes the table when first needed. Every write is of an entity of its own, or repeatable.
 */
export class TableRecordStore implements RecordStore {
  readonly description = `table ${recordTableName}`;
  /** Opened and made once. */
  readonly #table: () => Promise<TableClient>;
  readonly #prunedAt = new Map<string, number>();
  readonly #now: () => Date;

  constructor(open: () => Promise<TableClient>, now: () => Date) {
    this.#table = once(async () => {
      const client = await open();
      await client.createTable(soon());
      return client;
    }, 'forgotten');
    this.#now = now;
  }

  async addRun(record: RunRecord): Promise<void> {
    const id = parseRunId(record.runId);
    if (!id) throw new Error('not a run id');
    const partition = partitionOf(id.job, id.subject);
    // Replace, not create: writing the same run again, after a lost answer, changes nothing.
    await (await this.#table()).upsertEntity(
      { partitionKey: partition, rowKey: id.row, ...split(JSON.stringify(shortened(record))) },
      'Replace',
      soon(),
    );
    await this.#prune(partition);
  }

  async getRun(runId: string): Promise<RunRecord | undefined> {
    const id = parseRunId(runId);
    if (!id) return undefined;
    return readRecord(await this.#read(partitionOf(id.job, id.subject), id.row));
  }

  async latestRuns<J extends JobName>(job: J, subject: string, count: number): Promise<RunRecord<J>[]> {
    const table = await this.#table();
    const filter = `PartitionKey eq '${partitionOf(job, subject)}'`;
    const pages = table
      .listEntities<Pieces>({ queryOptions: { filter }, ...soon() })
      .byPage({ maxPageSize: Math.min(1_000, count) });
    const records: RunRecord<J>[] = [];
    for await (const page of pages) {
      for (const entity of page)
        records.push(...([readRecord(parseKept(join(entity))) ?? []].flat() as RunRecord<J>[]));
      if (records.length >= count) break;
    }
    return records.slice(0, count);
  }

  readState(key: string): Promise<unknown> {
    return this.#read(statePartition, encodeURIComponent(key));
  }

  async writeState(key: string, value: unknown): Promise<void> {
    const table = await this.#table();
    const rowKey = encodeURIComponent(key);
    if (value === undefined) await table.deleteEntity(statePartition, rowKey, soon()).catch(ignoreMissing);
    else
      await table.upsertEntity(
        { partitionKey: statePartition, rowKey, ...split(JSON.stringify(value)) },
        'Replace',
        soon(),
      );
  }

  async #read(partition: string, row: string): Promise<unknown> {
    const entity = await (await this.#table()).getEntity<Pieces>(partition, row, soon()).catch(ignoreMissing);
    return entity && parseKept(join(entity));
  }

  /** Once a day for each partition: what is too old, and what is too much. */
  async #prune(partition: string): Promise<void> {
    const now = this.#now().getTime();
    if (now - (this.#prunedAt.get(partition) ?? 0) < dayMs) return;
    this.#prunedAt.set(partition, now);
    const table = await this.#table();
    const tooOld = rowsBefore(new Date(now - keptDays * dayMs));
    let seen = 0;
    const entities = table.listEntities({
      queryOptions: { filter: `PartitionKey eq '${partition}'`, select: ['rowKey'] },
      ...soon(),
    });
    for await (const { rowKey = '' } of entities) {
      seen += 1;
      if (seen > keptRuns || rowKey > tooOld) await table.deleteEntity(partition, rowKey, soon()).catch(ignoreMissing);
    }
  }
}

function partitionOf(job: string, subject: string): string {
  return `${job}|${subject}`;
}

/** The record, without its report where that is too large to keep. */
function shortened(record: RunRecord): RunRecord {
  if (JSON.stringify(record).length <= maxLength) return record;
  const { report: _, ...rest } = record;
  return { ...rest, cut: true } as RunRecord;
}

function split(json: string): Pieces {
  const pieces: Pieces = {};
  for (let index = 0; index * pieceLength < json.length; index += 1) {
    pieces[`json${index}`] = json.slice(index * pieceLength, (index + 1) * pieceLength);
  }
  return pieces;
}

function join(pieces: Pieces): string {
  let json = '';
  for (let index = 0; pieces[`json${index}`] !== undefined; index += 1) json += pieces[`json${index}`];
  return json;
}

function ignoreMissing(error: unknown): undefined {
  if ((error as { statusCode?: number }).statusCode !== 404) throw error;
}
