import type { Command } from 'commander';
import type { Maintenance } from '../lib/app/maintenance.ts';
import { systemClock } from '../lib/clock.ts';
import type { ErrorReport } from '../lib/errors.ts';
import type { WorkQueue } from '../lib/queue/workQueue.ts';
import { Repeats } from '../lib/repeats.ts';
import type { JobName, ReportOf, SubjectKind } from '../lib/runs/catalogue.ts';
import type { Ending } from '../lib/runs/ending.ts';
import type { RecordStore } from '../lib/runs/recordStore.ts';
import type { JobOn, Log, RunResult } from '../lib/runs/runJob.ts';
import type { Settings } from '../lib/settings/settings.ts';
import type { KeyRing, RingTable, SqlCache } from '../lib/settings/subjects.ts';
import type { Telemetry } from '../lib/telemetry/telemetry.ts';
import type { Row } from './output.ts';

/**
 * 0: done · 1: a run failed, or was stopped · 2: wrong usage or settings, or the run was refused · 3: another run was at work,
 * so nothing was done
 */
export type ExitCode = 0 | 1 | 2 | 3;

const exitCodes: Record<Ending, ExitCode> = { succeeded: 0, failed: 1, aborted: 1, refused: 2, skipped: 3 };

/** A key ring that Entity Framework keeps. */
type TableRing = KeyRing & { store: RingTable };

export interface CommonOptions {
  cache?: string[] | undefined;
  ring?: string[] | undefined;
  json?: boolean | undefined;
  dryRun?: boolean;
}

/** What a job is run on: caches or rings. */
export interface Subjects {
  /** What they are called: `SQL cache`. */
  kind: string;
  on: SubjectKind;
  /** By which they are chosen. */
  option: 'cache' | 'ring';
}

/** A job on several subjects: how it is run on one, how its report is shown. */
interface SubjectJob<J extends JobName> extends Subjects {
  run(maintenance: Maintenance, subject: string, terminal: boolean): Promise<RunResult<J>>;
  rows(report: ReportOf<J>): Promise<Row[]>;
  /** The rows hold the warnings already. */
  rowsShowWarnings?: boolean;
}

/**
 * One call of the command line: its signal to stop, its exit code. Settings and jobs are loaded when a command first needs
 * them, so that `--version` and `--help` answer at once.
 */
export class Session {
  readonly signal: AbortSignal;
  exitCode: ExitCode = 0;
  #settings: Settings | undefined;
  #telemetry: Telemetry | undefined;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  /** The settings of this process, read once. */
  async settings(): Promise<Settings> {
    this.#settings ??= (await import('../lib/settings/settings.ts')).processSettings('file');
    return this.#settings;
  }

  /** Runs a job on the chosen subjects (on all if none is chosen), one after the other, and prints the results. */
  async runOn<J extends JobName>(job: SubjectJob<J>, { json = false, ...options }: CommonOptions): Promise<void> {
    const maintenance = await this.#open(json || (job.rowsShowWarnings ?? false));
    if (!maintenance) return;
    const known = maintenance.names[job.on];
    const subjects = options[job.option] ?? known;
    const unknown = subjects.filter((name) => !known.includes(name));
    if (unknown.length > 0)
      return this.refuse(`No ${job.kind} is named ${unknown.join(', ')}. There is: ${known.join(', ') || 'none'}.`);
    if (subjects.length === 0)
      return this.refuse(`No ${job.kind} is configured; docs/reference/settings.md says how.${cachesOf(maintenance)}`);
    const { printResult } = await import('./output.ts');
    const results: RunResult<J>[] = [];
    const terminal = !json && process.stderr.isTTY && (await this.settings()).rewrites;
    for (const subject of subjects) {
      const result = await job.run(maintenance, subject, terminal);
      results.push(result);
      if (!json) printResult(result, result.report && (await job.rows(result.report)));
      this.ended(result.outcome);
    }
    if (json) console.log(JSON.stringify({ runs: results }, undefined, 2));
  }

  /** Whatever is wrong with the settings: a diagnosis and the status are there to say it. */
  async openTolerant(): Promise<{ settings: Settings; records: RecordStore; maintenance: Maintenance }> {
    const settings = await this.settings();
    return { settings, ...(await opened(settings, quiet)) };
  }

  /**
   * Sends what the runs left to be sent, within the bound of the settings. True where a backend may still be waited for: the
   * process is then to be ended, since its connections would keep it.
   */
  async close(): Promise<boolean> {
    await this.#telemetry?.flush();
    return this.#telemetry !== undefined;
  }

  /** The work queue of the function app, which needs no cache in the settings; undefined where they do not name it. */
  async openQueue(): Promise<WorkQueue | undefined> {
    const settings = await this.settings();
    const { describeProblem } = await import('../lib/settings/problems.ts');
    const wrong = settings.problems.filter(({ setting }) => setting.startsWith('WORK_QUEUE'));
    for (const problem of wrong) console.error(describeProblem(problem));
    if (wrong.length > 0) return this.refuse('Correct the settings; docs/reference/settings.md lists them all.');
    const { openWorkQueue } = await import('../lib/app/workQueues.ts');
    const opened = openWorkQueue(settings.queue);
    if (opened) return opened.queue;
    return this.refuse(
      'The settings name no storage account. Set AzureWebJobsStorage, or AzureWebJobsStorage__accountName for a login with Entra, as the function app has it.',
    );
  }

  /**
   * The SQL caches and the key rings in tables: those of these names, or all of both; undefined where the settings are wrong,
   * or name none.
   */
  async sqlTables({ cache, ring }: CommonOptions): Promise<{ caches: SqlCache[]; rings: TableRing[] } | undefined> {
    const settings = await this.#rightSettings();
    if (!settings) return undefined;
    const rings = settings.rings.flatMap(({ store, ...rest }) => ('table' in store ? [{ ...rest, store }] : []));
    if (!cache && !ring && settings.sqlCaches.length + rings.length === 0)
      return this.refuse('No SQL cache is configured, and no key ring in a table.');
    const found = {
      caches: this.#chosen('SQL cache', settings.sqlCaches, cache, ring),
      rings: this.#chosen('key ring in a table', rings, ring, cache),
    };
    return this.exitCode === 0 ? found : undefined;
  }

  /** Those of these names; where nothing is named, and nothing of the other kind either, all. */
  #chosen<S extends { name: string }>(kind: string, known: S[], names?: string[], others?: string[]): S[] {
    if (!names) return others ? [] : known;
    const unknown = names.filter((name) => !known.some((each) => each.name === name));
    if (unknown.length > 0)
      this.refuse(
        `No ${kind} is named ${unknown.join(', ')}. There is: ${known.map(({ name }) => name).join(', ') || 'none'}.`,
      );
    return known.filter(({ name }) => names.includes(name));
  }

  /** Undefined where the settings are wrong. */
  async #open(silent: boolean): Promise<Maintenance | undefined> {
    const settings = await this.#rightSettings();
    if (!settings) return undefined;
    const { startTelemetry } = await import('../lib/telemetry/telemetry.ts');
    this.#telemetry ??= await startTelemetry(settings.telemetry, systemClock, (line) => console.error(line));
    return (await opened(settings, silent ? quiet : warningsToStderr())).maintenance;
  }

  /** Undefined where they are wrong: an operator corrects all of them before anything runs. */
  async #rightSettings(): Promise<Settings | undefined> {
    const settings = await this.settings();
    const { problems, warnings } = settings;
    const goesOn = problems.every(({ runsGoOn }) => runsGoOn);
    if (problems.length + warnings.length === 0) return settings;
    const { describeProblem } = await import('../lib/settings/problems.ts');
    for (const told of [...problems, ...warnings])
      console.error(`${goesOn ? 'Warning: ' : ''}${describeProblem(told)}`);
    if (goesOn) return settings;
    return this.refuse('Correct the settings; docs/reference/settings.md lists them all.');
  }

  /** The exit code of this outcome. A failure counts for more than a refusal, and that for more than a run that found another at work. */
  ended(outcome: Ending): void {
    const code = exitCodes[outcome];
    if (this.exitCode === 0 || code === 1 || (code === 2 && this.exitCode === 3)) this.exitCode = code;
  }

  /** Says what a command without a run ended with, and the exit code. */
  async endedWith(what: string, error: ErrorReport, silent = false): Promise<void> {
    const { factsOf } = await import('../lib/errorCodes.ts');
    const { outcome } = factsOf(error.code);
    this.ended(outcome);
    if (silent) return;
    const { printError } = await import('./output.ts');
    printError(what, outcome, error);
  }

  /** Wrong usage: said, and the exit code. */
  refuse(message: string): undefined {
    console.error(message);
    this.exitCode = 2;
  }
}

/** What a command for another kind of cache finds in its place. */
function cachesOf({ names }: Maintenance): string {
  const sql = names.sqlCache.map((name) => `SQL cache ${name}`);
  const named = [...sql, ...names.redisCache.map((name) => `Redis cache ${name}`)];
  return named.length === 0 ? '' : ` There is: ${named.join(', ')}.`;
}

async function opened(settings: Settings, log: Log): Promise<{ records: RecordStore; maintenance: Maintenance }> {
  const [{ Maintenance }, { openRecordStore }] = await Promise.all([
    import('../lib/app/maintenance.ts'),
    import('../lib/app/recordStores.ts'),
  ]);
  const records = openRecordStore(settings.recordStore);
  return { records, maintenance: new Maintenance(settings, log, records) };
}

/** What an option that may be given several times has been given. */
export const several = (value: string, list: string[] = []) => [...list, value];

/** The options that every job has. */
export function withCommonOptions(command: Command, subjectOption: Subjects['option']): Command {
  return command
    .option(`--${subjectOption} <name>`, `only this ${subjectOption}; may be given several times`, several)
    .option('--dry-run', 'say what would be done, and change nothing')
    .option('--json', 'one JSON document on stdout');
}

/** What the command does, where its job takes no options but those that every job has. */
export function addJob<J extends JobName>(
  session: Session,
  command: Command,
  { job, ...rest }: Omit<SubjectJob<J>, 'run'> & { job(maintenance: Maintenance): JobOn<J, { dryRun?: boolean }> },
): void {
  command.action((options: CommonOptions) => {
    const { dryRun = false } = options;
    const run = (maintenance: Maintenance, subject: string) =>
      job(maintenance)(subject, 'cli', { dryRun }, { signal: session.signal });
    return session.runOn({ ...rest, run }, options);
  });
}

/** Results are printed; of the log, warnings alone are left to say, each once. */
function warningsToStderr(): Log {
  const repeats = new Repeats(systemClock);
  return (level, message, data) => {
    // The error of a run is printed with its result.
    if (level === 'warn' && !('error' in data) && !repeats.has(message)) console.error(`Warning: ${message}`);
  };
}
const quiet: Log = () => undefined;
