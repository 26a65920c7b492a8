import type { Command } from 'commander';
import type { Maintenance } from '../../lib/app/maintenance.ts';
import { duration, wholeNumber } from '../optionValues.ts';
import { purgeProgressBar } from '../progressBar.ts';
import { type CommonOptions, type Session, withCommonOptions } from '../session.ts';
import { countRows, indexRows, purgeRows } from '../sqlCacheRows.ts';

interface CacheOptions extends CommonOptions {
  cache?: string[];
}

interface PurgeOptions extends CacheOptions {
  olderThan?: number;
  maxRows?: number;
  timeBudget?: number;
}

const sqlCaches = { kind: 'SQL cache', known: (maintenance: Maintenance) => maintenance.sqlCaches.names() };

/** `purge`, `index` and `counts`, on SQL caches. */
export function addSqlCacheCommands(program: Command, session: Session): void {
  const { signal } = session;
  const command = (name: string, description: string) =>
    withCommonOptions(program.command(name).description(description), 'cache');

  command('purge', 'Delete expired entries in batches. Deletes unless --dry-run is given.')
    .option('--older-than <duration>', 'only entries that expired at least this long ago (ISO 8601, P7D)', duration)
    .option('--max-rows <count>', 'delete at most so many entries', wholeNumber)
    .option('--time-budget <duration>', 'stop after this time (ISO 8601, PT5M)', duration)
    .action(({ cache, json = false, dryRun = false, olderThan, maxRows, timeBudget }: PurgeOptions) => {
      const request = {
        dryRun,
        ...(olderThan !== undefined && { olderThanMs: olderThan }),
        ...(maxRows !== undefined && { maxRows }),
        ...(timeBudget !== undefined && { timeBudgetMs: timeBudget }),
      };
      const run = (maintenance: Maintenance, name: string, terminal: boolean) => {
        const bar = terminal && !dryRun ? purgeProgressBar(name) : undefined;
        return maintenance.sqlCaches
          .purge(name, 'cli', { ...request, ...(bar && { onProgress: bar.update }) }, { signal })
          .finally(() => bar?.stop());
      };
      return session.runOn({ ...sqlCaches, run, rows: purgeRows }, cache, json);
    });

  command('index', 'Create the expiry index where it is missing.').action(
    ({ cache, json = false, dryRun = false }: CacheOptions) => {
      const run = (maintenance: Maintenance, name: string) =>
        maintenance.sqlCaches.ensureIndex(name, 'cli', { dryRun }, { signal });
      return session.runOn({ ...sqlCaches, run, rows: indexRows }, cache, json);
    },
  );

  command('counts', 'Say how large the table is and how much of it has expired. Changes nothing.').action(
    ({ cache, json = false }: CacheOptions) => {
      const run = (maintenance: Maintenance, name: string) => maintenance.sqlCaches.counts(name, 'cli', {}, { signal });
      return session.runOn({ ...sqlCaches, run, rows: countRows }, cache, json);
    },
  );
}
