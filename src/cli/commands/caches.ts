import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Maintenance } from '../../lib/app/maintenance.ts';
import { parseDuration } from '../../lib/durations.ts';
import type { ReportOf } from '../../lib/runs/catalogue.ts';
import type { PurgeProgress } from '../../lib/sql/purgeReport.ts';
import { addJob, type CommonOptions, type Session, type Subjects, withCommonOptions } from '../session.ts';

interface PurgeOptions extends CommonOptions {
  olderThan?: number;
  maxRows?: number;
  timeBudget?: number;
}

interface ClearOptions extends CommonOptions {
  confirm?: string;
  allPrefixes?: boolean;
  unreadable?: boolean;
  expect?: 'plain' | 'encrypted';
  timeBudget?: number;
}

const sqlRows = () => import('../sqlCacheRows.ts');
const progressOf = async (what: string) => (await import('../progressBar.ts')).progressLine(what);

const sqlCaches: Subjects = { kind: 'SQL cache', on: 'sqlCache', option: 'cache' };
const redisCaches: Subjects = { kind: 'Redis cache', on: 'redisCache', option: 'cache' };
const allCaches: Subjects = { kind: 'cache', on: 'cache', option: 'cache' };
const webApps: Subjects = { kind: 'web app', on: 'webApp', option: 'cache' };

/** `purge`, `index` and `counts` on SQL caches, `redis` on Redis caches, `clear` on both, `app` on their web apps. */
export function addCacheCommands(program: Command, session: Session): void {
  const { signal } = session;
  const command = (name: string, description: string) =>
    withCommonOptions(program.command(name).description(description), 'cache');

  command('purge', 'Delete expired entries in batches. Deletes unless --dry-run is given.')
    .option('--older-than <duration>', 'only entries that expired at least this long ago (ISO 8601, P7D)', duration)
    .option('--max-rows <count>', 'delete at most so many entries', wholeNumber)
    .option('--time-budget <duration>', 'stop after this time (ISO 8601, PT5M)', budget)
    .action(({ olderThan, maxRows, timeBudget, ...options }: PurgeOptions) => {
      const { dryRun = false } = options;
      const request = { dryRun, maxRows, olderThanMs: olderThan, timeBudgetMs: timeBudget };
      const run = async (maintenance: Maintenance, name: string, terminal: boolean) => {
        const line = terminal && !dryRun ? await progressOf(`purge ${name}`) : undefined;
        const onProgress =
          line && (({ deleted, expired, elapsedMs }: PurgeProgress) => line.update(deleted, expired, elapsedMs));
        return maintenance.sqlCaches
          .purge(name, 'cli', { ...request, ...(onProgress && { onProgress }) }, { signal })
          .finally(() => line?.stop());
      };
      const rows = async (report: ReportOf<'purge'>) => (await sqlRows()).purgeRows(report);
      return session.runOn({ ...sqlCaches, run, rows }, options);
    });

  addJob(session, command('index', 'Create the expiry index where it is missing.'), {
    ...sqlCaches,
    job: (maintenance) => maintenance.sqlCaches.ensureIndex,
    rows: async (report) => (await sqlRows()).indexRows(report),
  });

  addJob(session, command('counts', 'Say how large the table is and how much of it has expired. Changes nothing.'), {
    ...sqlCaches,
    job: (maintenance) => maintenance.sqlCaches.counts,
    rows: async (report) => (await sqlRows()).countRows(report),
  });

  const aboutRedis =
    'Look at a Redis cache: memory, evictions, and what they mean for sign-ins. Changes nothing; --dry-run also keeps no readings for the next look.';
  addJob(session, command('redis', aboutRedis), {
    ...redisCaches,
    job: (maintenance) => maintenance.redisCaches.watch,
    rows: async (report) => (await import('../redisRows.ts')).redisRows(report),
    rowsShowWarnings: true,
  });

  const aboutApps =
    "Say what the caches' web apps tell of them in Application Insights: hit ratio, latency, failures, memory. Changes nothing.";
  addJob(session, command('app', aboutApps), {
    ...webApps,
    job: (maintenance) => maintenance.webApps.watch,
    rows: async (report) => {
      const { appFigures } = await import('../../lib/appTelemetry/appFigures.ts');
      return appFigures(report).map(({ what, text }) => [what, text]);
    },
  });

  // ALLOW_CLEAR is for HTTP: who has a terminal with the settings could do it anyway.
  const aboutClear =
    'Delete every entry of a cache, for a change of format: all its users sign in again; or, with --unreadable, those alone that nobody can read. A plan, unless confirmed with the name of the cache.';
  command('clear', aboutClear)
    .option('--confirm <cache>', 'do it: the name of the cache')
    .option(
      '--unreadable',
      'only the entries that nobody can read: of a key that is in no ring, revoked or does not unwrap, or of a foreign format',
    )
    .addOption(
      new Option(
        '--expect <form>',
        'with --unreadable: what all apps write now; entries of the other form are unreadable too',
      ).choices(['plain', 'encrypted']),
    )
    .option('--all-prefixes', "Redis: also entries under longer prefixes, which may be other apps' (see the plan)")
    .option('--time-budget <duration>', 'stop after this time (ISO 8601, PT5M)', budget)
    .action(
      ({ cache, json, dryRun = false, allPrefixes, timeBudget, expect, ...options }: ClearOptions, self: Command) => {
        if (expect !== undefined && !options.unreadable)
          self.error('--expect says what is unreadable: give --unreadable with it.');
        const confirm = dryRun ? undefined : options.confirm;
        if (options.confirm !== undefined && (cache?.length ?? 0) > 1)
          self.error('Confirm one cache at a time: --cache NAME --confirm NAME.');
        const run = async (maintenance: Maintenance, name: string, terminal: boolean) => {
          const line = terminal && confirm !== undefined ? await progressOf(`clear ${name}`) : undefined;
          const unreadable = options.unreadable ? { expect } : undefined;
          const request = { confirm, allPrefixes, unreadable, timeBudgetMs: timeBudget, onProgress: line?.update };
          return maintenance.clear(name, 'cli', request, { signal }).finally(() => line?.stop());
        };
        const chosen = cache ?? (options.confirm === undefined ? undefined : [options.confirm]);
        const rows = async (report: ReportOf<'clear'>) => (await import('../clearRows.ts')).clearRows(report);
        return session.runOn({ ...allCaches, run, rows }, { json, cache: chosen });
      },
    );
}

const longestMs = 3_650 * 24 * 3_600_000;

/** Milliseconds of an ISO 8601 duration. */
function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms <= longestMs) return ms;
  throw new InvalidArgumentError('Expected an ISO 8601 duration of at most P3650D, such as PT5M or P7D.');
}

function budget(text: string): number {
  const ms = duration(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('Expected a duration longer than zero, such as PT5M.');
}

function wholeNumber(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count > 0 && count <= Number.MAX_SAFE_INTEGER) return count;
  throw new InvalidArgumentError('Expected a whole number of 1 or more.');
}
