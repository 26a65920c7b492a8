import type { AppReport } from './appReport.ts';
import {
  calledRows,
  callsOf,
  failuresOf,
  hitRatioOf,
  latencyOf,
  logsOf,
  memoryOf,
  providerTokensOf,
  rolesOf,
  seriesOf,
  sum,
  unreadableCode,
  usersOf,
  versionsOf,
} from './figures.ts';
import type { AppPolicy } from './policy.ts';
import { type QueryName, queryText, spanOf } from './queries.ts';
import type { Workspace } from './workspace.ts';

export interface AppWatch {
  workspace: Workspace;
  role: string;
  policy: AppPolicy;
  now: Date;
}

/**
 * Reads what a web app's own telemetry says of its token cache, one query after the other: a workspace lets an identity run five
 * at once, and other apps are looked at beside this one. Changes nothing.
 * @throws MaintenanceError where the workspace cannot be asked
 */
export async function watchApp({ workspace, role, policy, now }: AppWatch): Promise<AppReport> {
  const { windowMs, leastCalls } = policy;
  const partial: string[] = [];
  const ask = async (name: QueryName) => {
    const from = new Date(now.getTime() - spanOf(name, windowMs));
    const rows = await workspace.query(name, queryText(name, { role, to: now, windowMs }), from, now);
    if (!rows) partial.push(name);
    return rows;
  };
  const called = await ask('calls').then((rows) => rows && calledRows(rows));
  const latencies = (await ask('latencies')) ?? [];
  const logs = logsOf((await ask('logs')) ?? []);
  const users = usersOf((await ask('users')) ?? []);
  const memory = memoryOf((await ask('memory')) ?? [], now);
  const otherRoles = called?.length === 0 ? rolesOf((await ask('roles')) ?? []) : [];
  const from = new Date(now.getTime() - windowMs);
  const all = called && called.length > 0 ? called : undefined;
  const known = all?.filter(({ At }) => At >= from);
  const calls = known ? callsOf(known) : null;
  const providerTokens = known ? providerTokensOf(known) : null;
  const { encrypting, plain, storeErrors } = logs;
  return {
    role,
    from: from.toISOString(),
    to: now.toISOString(),
    partial,
    calls,
    hitRatio: calls && hitRatioOf(calls, leastCalls),
    l1Latency: latencyOf(latencies, 'MsalDurationInL1CacheInUs.1B', 1000),
    l2Latency: latencyOf(latencies, 'MsalDurationInL2Cache.1A', 1),
    failures: known ? failuresOf(known) : null,
    unreadable: {
      failures: known ? sum(known.filter(({ Code }) => Code === unreadableCode)) : null,
      encrypting,
      plain,
    },
    storeErrors,
    users,
    providerTokens,
    providerTokensPerUser: users === null || providerTokens === null ? null : providerTokens / users,
    memory,
    series: seriesOf(all ?? []),
    versions: versionsOf(all ?? []),
    otherRoles,
  };
}
