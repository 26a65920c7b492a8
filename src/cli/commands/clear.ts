import type { Command } from 'commander';
import type { Maintenance } from '../../lib/app/maintenance.ts';
import { clearRows } from '../clearRows.ts';
import { duration } from '../optionValues.ts';
import { deletionBar } from '../progressBar.ts';
import { type CommonOptions, type Session, withCommonOptions } from '../session.ts';

interface ClearOptions extends CommonOptions {
  cache?: string[];
  confirm?: string;
  timeBudget?: number;
}

/** `clear`, on caches of every engine. ALLOW_CLEAR is for HTTP: who has a terminal with the settings could do it anyway. */
export function addClearCommand(program: Command, session: Session): void {
  const description =
    'Delete every entry of a cache, for a change of format: all its users sign in again. A plan, unless confirmed with the name of the cache.';
  withCommonOptions(program.command('clear').description(description), 'cache')
    .option('--confirm <cache>', 'do it: the name of the cache')
    .option('--time-budget <duration>', 'stop after this time (ISO 8601, PT5M)', duration)
    .action(({ cache, json = false, dryRun = false, timeBudget, ...options }: ClearOptions, self: Command) => {
      const confirm = dryRun ? undefined : options.confirm;
      if (options.confirm !== undefined && (cache?.length ?? 0) > 1)
        self.error('Confirm one cache at a time: --cache NAME --confirm NAME.');
      const run = (maintenance: Maintenance, name: string, terminal: boolean) => {
        const bar = terminal && confirm !== undefined ? deletionBar(name) : undefined;
        const request = { confirm, timeBudgetMs: timeBudget, onProgress: bar?.update };
        return maintenance.clear(name, 'cli', request, { signal: session.signal }).finally(() => bar?.stop());
      };
      const known = (maintenance: Maintenance) => maintenance.cacheNames();
      const chosen = cache ?? (options.confirm === undefined ? undefined : [options.confirm]);
      return session.runOn({ kind: 'cache', known, run, rows: clearRows }, chosen, json);
    });
}
