import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { JobName } from './catalogue.ts';
import { parseKept, type RecordStore } from './recordStore.ts';
import { parseRunId } from './runId.ts';
import { type RunRecord, readRecord } from './runRecord.ts';

/** Runs kept of each job and subject; older ones are removed. */
const keptRuns = 200;

/** Records as JSON files in a folder, for the command line and the tests: `runs/{job}/{subject}/{row}.json`, `state/{key}.json`. */
export class FileRecordStore implements RecordStore {
  readonly description: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.description = `files in ${folder}`;
  }

  async addRun(record: RunRecord): Promise<void> {
    const id = parseRunId(record.runId);
    if (!id) throw new Error('not a run id');
    const folder = join(this.#folder, 'runs', id.job, id.subject);
    await this.#write(folder, `${id.row}.json`, record);
    const old = (await sortedNames(folder)).slice(keptRuns);
    await Promise.all(old.map((name) => rm(join(folder, name), { force: true })));
  }

  async getRun(runId: string): Promise<RunRecord | undefined> {
    const id = parseRunId(runId);
    if (!id) return undefined;
    return readRecord(await read(join(this.#folder, 'runs', id.job, id.subject, `${id.row}.json`)));
  }

  async latestRuns<J extends JobName>(job: J, subject: string, count: number): Promise<RunRecord<J>[]> {
    const folder = join(this.#folder, 'runs', job, subject);
    const found: RunRecord[] = [];
    // One that cannot be read gives its place to the next.
    for (const names = await sortedNames(folder); names.length > 0 && found.length < count; ) {
      const texts = names.splice(0, count - found.length).map((name) => read(join(folder, name)));
      found.push(...(await Promise.all(texts)).flatMap((record) => readRecord(record) ?? []));
    }
    return found as RunRecord<J>[];
  }

  readState(key: string): Promise<unknown> {
    return read(join(this.#folder, 'state', `${encodeURIComponent(key)}.json`));
  }

  async writeState(key: string, value: unknown): Promise<void> {
    const folder = join(this.#folder, 'state');
    const name = `${encodeURIComponent(key)}.json`;
    if (value === undefined) await rm(join(folder, name), { force: true });
    else await this.#write(folder, name, value);
  }

  /** Readable by the owner alone: a position names an entry, and so a user. */
  async #write(folder: string, name: string, value: unknown): Promise<void> {
    await makeFolder(folder);
    await writeFileAtomic(join(folder, name), `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
  }
}

/** Node's own `recursive` never ends where a folder that is there takes no other, such as /proc. */
async function makeFolder(folder: string): Promise<void> {
  const make = () =>
    mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await make();
  });
}

async function sortedNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(ifMissing([]));
  return names.filter((name) => name.endsWith('.json')).sort();
}

async function read(path: string): Promise<unknown> {
  return parseKept(await readFile(path, 'utf8').catch(ifMissing(undefined)));
}

/** Any other failure is one of the store. */
function ifMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
