/**
 * Microsoft.Extensions.Caching.SqlServer itself, with its own client, before the TDS endpoint: which interval keeps an app
 * from purging. Proves what the library sends and when; how a SQL Server carries it out it does not.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { entries } from '../support/diagnosis.ts';
import { createEndpointCache, endpointTable, fillEndpoint } from '../support/diagnosisTables.ts';
import { buildDotnet, dotnetFound, dotnetTimeLimitMs } from '../support/dotnet.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);

/** Not waited for at once: the endpoint answers from this very process. */
async function dotnet(args: string[]): Promise<string> {
  const env = { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' };
  const child = spawn('dotnet', args, { env, timeout: dotnetTimeLimitMs });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`dotnet ended with ${status}:\n${output}`);
  return output;
}

describe.skipIf(!dotnetFound)("the library's own purge", () => {
  let program: string;
  beforeAll(() => {
    program = buildDotnet('SqlServerCache');
  }, dotnetTimeLimitMs);
  beforeEach(async () => {
    await createEndpointCache(database);
    await fillEndpoint(
      database,
      entries(40, () => ({ expiresInMs: -86_400_000 })),
    );
  });

  const startApp = async (interval: string) => {
    const connection = endpoint().connectionString('Encrypt=False');
    expect(await dotnet([program, connection, 'dbo', 'TokenCache', interval])).toContain('read');
    const [row] = await database.query<{ left: number }>(`select count(*)::int as left from ${endpointTable}`);
    return row?.left;
  };

  it('runs at the start of each process where the interval is a year', async () => {
    expect(await startApp('365.00:00:00')).toBe(0);
  }, 60_000);

  it('never runs where the interval is TimeSpan.MaxValue', async () => {
    expect(await startApp('10675199.02:48:05.4775807')).toBe(40);
  }, 60_000);
});
