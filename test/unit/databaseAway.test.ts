import { expect, it } from 'vitest';
import { sqlMaintenance } from '../../src/lib/app/sqlMaintenance.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { noRecordStore } from '../../src/lib/runs/recordStore.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';

it.each(['counts', 'purge', 'ensureIndex', 'clear'] as const)(
  '%s says once that it waits for its database',
  async (job) => {
    const warnings: string[] = [];
    // No server listens there.
    const env = { TOKEN_CACHE_CONNECTION_STRING: 'Host=127.0.0.1;Port=1;Username=u;Password=secret-1;Database=d' };
    const caches = sqlMaintenance(readSettings(env, 'table'), {
      clock: { ...systemClock, sleep: async () => undefined },
      records: noRecordStore,
      log: (level, message) => void (level === 'warn' && warnings.push(message)),
    });
    expect(await caches[job]('default', 'cli')).toMatchObject({ outcome: 'failed' });
    expect(warnings).toEqual([expect.stringMatching(/: database_unavailable\. .* tried again for up to a minute\.$/)]);
    expect(warnings.join()).not.toContain('secret-1');
  },
);
