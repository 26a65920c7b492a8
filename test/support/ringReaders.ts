import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type ConsumerVersion, consumerVersions } from '../../src/lib/keyRing/reading/consumerVersions.ts';
import { buildDotnet, startDotnet } from './dotnet.ts';

/** A ring in one kind of store, and the instant at which an app reads it (test/interop/ringReader). */
export interface ReaderQuestion {
  blob?: string;
  /** A container with the blob `keys.xml`. */
  container?: string;
  folder?: string;
  redisKey?: string;
  /** A schema with the table of PersistKeysToDbContext. */
  schema?: string;
  /** The table is made first, by Entity Framework. */
  makesTable?: boolean;
  now: string;
  certificates?: string[];
  /** Keys that the app adds, instead of an answer. */
  mints?: number;
}

export interface ReaderUse {
  key: string | null;
  mints: boolean;
  error: string | null;
}

export interface ReaderAnswer {
  keys:
    | { id: string; created: string; activated: string; expires: string; revoked: boolean; readable: boolean }[]
    | null;
  error: string | null;
  generating: ReaderUse | null;
  reading: ReaderUse | null;
  minted: string[];
}

/** One app, which is asked as often as one likes. */
export interface RunningReader {
  ask(question: ReaderQuestion): Promise<ReaderAnswer>;
  close(): Promise<void>;
}

/** ASP.NET Core's own reading of rings, of each version in a process of its own. */
export class RingReaders {
  readonly #programs: ReadonlyMap<ConsumerVersion, string>;

  private constructor(programs: ReadonlyMap<ConsumerVersion, string>) {
    this.#programs = programs;
  }

  static build(): RingReaders {
    return new RingReaders(new Map(consumerVersions.map((version) => [version, buildDotnet(`RingReader${version}`)])));
  }

  /** The answers of every version to the same questions, in their order; `server` is a Redis, a storage account, or a PostgreSQL in Npgsql's form. */
  async ask(questions: readonly ReaderQuestion[], server = ''): Promise<Map<ConsumerVersion, ReaderAnswer[]>> {
    const answers = new Map<ConsumerVersion, ReaderAnswer[]>();
    await Promise.all(
      consumerVersions.map(async (version) => answers.set(version, await this.#askOne(version, questions, server))),
    );
    return answers;
  }

  open(version: ConsumerVersion, server = ''): RunningReader {
    const { ask, close } = startDotnet([this.#programs.get(version) ?? '', server, 'at once'], { TZ: 'UTC' });
    return { ask: async (question) => (await ask(question)) as ReaderAnswer, close };
  }

  #start(version: ConsumerVersion, args: string[]): ChildProcessWithoutNullStreams {
    return spawn('dotnet', [this.#programs.get(version) ?? '', ...args], { env: { ...process.env, TZ: 'UTC' } });
  }

  async #askOne(version: ConsumerVersion, questions: readonly ReaderQuestion[], server: string) {
    const child = this.#start(version, [server]);
    const ended = once(child, 'close');
    let errors = '';
    child.stderr.on('data', (data: Buffer) => {
      errors += data;
    });
    const [answers] = await Promise.all([linesOf(child), write(child, questions)]);
    const [status] = await ended;
    if (status !== 0 || answers.length !== questions.length)
      throw new Error(`the reader of version ${version} ended with ${status}: ${errors}`);
    return answers;
  }
}

async function linesOf({ stdout }: ChildProcessWithoutNullStreams): Promise<ReaderAnswer[]> {
  const answers: ReaderAnswer[] = [];
  for await (const line of createInterface({ input: stdout })) answers.push(JSON.parse(line) as ReaderAnswer);
  return answers;
}

async function write({ stdin }: ChildProcessWithoutNullStreams, questions: readonly ReaderQuestion[]): Promise<void> {
  // A program that ended early is seen by its status.
  stdin.on('error', () => undefined);
  for (const question of questions)
    if (!stdin.write(`${JSON.stringify(question)}\n`) && !stdin.destroyed) await once(stdin, 'drain');
  stdin.end();
}
