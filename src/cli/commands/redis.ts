import type { Command } from 'commander';
import type { Maintenance } from '../../lib/app/maintenance.ts';
import { redisRows } from '../redisRows.ts';
import { type CommonOptions, type Session, withCommonOptions } from '../session.ts';

interface CacheOptions extends CommonOptions {
  cache?: string[];
}

const redisCaches = { kind: 'Redis cache', known: (maintenance: Maintenance) => maintenance.redisCaches.names() };

/** `redis`, on Redis caches. */
export function addRedisCommand(program: Command, session: Session): void {
  const description =
    'Look at a Redis cache: memory, evictions, and what they mean for sign-ins. Changes nothing; --dry-run also keeps no readings for the next look.';
  withCommonOptions(program.command('redis').description(description), 'cache').action(
    ({ cache, json = false, dryRun = false }: CacheOptions) => {
      const run = (maintenance: Maintenance, name: string) =>
        maintenance.redisCaches.watch(name, 'cli', { dryRun }, { signal: session.signal });
      return session.runOn({ ...redisCaches, run, rows: redisRows, rowsShowWarnings: true }, cache, json);
    },
  );
}
