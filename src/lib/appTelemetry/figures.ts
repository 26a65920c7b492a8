import { z } from 'zod';
import { byName } from '../byName.ts';
import { type AppCalls, type AppReport, appCalls } from './appReport.ts';
import { binMs } from './policy.ts';
import type { Row } from './workspace.ts';

/** What the answers of the queries mean. Pure: rows in, parts of a report out. */

const calledRow = z.object({
  At: z.coerce.date(),
  Name: z.enum(['MsalSuccess', 'MsalFailure']),
  Source: z.string(),
  Reason: z.string(),
  Level: z.string(),
  Api: z.string(),
  Code: z.string(),
  Sts: z.string(),
  Version: z.string().nullable(),
  Calls: z.number(),
});
export type CalledRow = z.infer<typeof calledRow>;

/** The error codes of calls for a user of whom no cache has anything any more. */
const lostCodes: ReadonlySet<string> = new Set(['user_null', 'no_tokens_found', 'obo_cache_key_not_in_cache_error']);
export const unreadableCode = 'json_parse_failed';

const byReason = byName<keyof AppCalls>({
  NoCachedAccessToken: 'misses',
  Expired: 'refreshes',
  ProactivelyRefreshed: 'proactive',
  ForceRefreshOrClaims: 'bypassed',
  CacheDisabled: 'bypassed',
});

/** What a call was, by MSAL's tags. */
function kindOf({ Name, Source, Reason, Level, Api, Code }: CalledRow): keyof AppCalls {
  if (Name === 'MsalFailure') return lostCodes.has(Code) ? 'lost' : 'failures';
  if (Source === 'Cache') return Level === 'L1Cache' ? 'l1Hits' : Level === 'L2Cache' ? 'l2Hits' : 'otherHits';
  // A token that no cache was asked for.
  return byReason[Reason] ?? (Api === 'AcquireTokenByAuthorizationCode' ? 'signIns' : 'starts');
}

/** Tokens of the app itself, which are nobody's. */
const isOfUser = ({ Api }: CalledRow) => Api !== 'AcquireTokenForClient';

export const calledRows = (rows: readonly Row[]): CalledRow[] => z.array(calledRow).parse(rows);

export function callsOf(rows: readonly CalledRow[]): AppCalls {
  const calls = Object.fromEntries(appCalls.keyof().options.map((kind) => [kind, 0])) as AppCalls;
  for (const row of rows) calls[kindOf(row)] += Math.round(row.Calls);
  return calls;
}

/** Null where there are too few look-ups to tell. */
export function hitRatioOf(calls: AppCalls, leastCalls: number): AppReport['hitRatio'] {
  const { l1Hits, l2Hits, otherHits, misses, lost } = calls;
  const hits = l1Hits + l2Hits + otherHits;
  const lookUps = hits + misses + lost;
  if (lookUps < Math.max(leastCalls, 1)) return null;
  return { l1: l1Hits / lookUps, l2: l2Hits / lookUps, all: hits / lookUps };
}

export function providerTokensOf(rows: readonly CalledRow[]): number {
  return sum(rows.filter((row) => row.Source === 'IdentityProvider' && isOfUser(row)));
}

const mostCodes = 10;

export function failuresOf(rows: readonly CalledRow[]): NonNullable<AppReport['failures']> {
  const failed = rows.filter(({ Name }) => Name === 'MsalFailure');
  const ofCode = Map.groupBy(failed, ({ Code, Sts }) => `${Code} ${/^\d+$/.test(Sts) ? Sts : ''}`);
  return [...ofCode]
    .map(([key, found]) => {
      const [code = '', sts] = key.split(' ');
      return { code, sts: sts || null, calls: sum(found) };
    })
    .sort((a, b) => b.calls - a.calls)
    .slice(0, mostCodes);
}

export const sum = (rows: readonly CalledRow[]) => Math.round(rows.reduce((total, { Calls }) => total + Calls, 0));

export function seriesOf(rows: readonly CalledRow[]): AppReport['series'] {
  const bins = Map.groupBy(rows, ({ At }) => Math.floor(At.getTime() / binMs) * binMs);
  return [...bins]
    .sort(([a], [b]) => a - b)
    .map(([at, found]) => {
      const { misses, lost, signIns, failures, ...others } = callsOf(found);
      const calls = Object.values(others).reduce((total, count) => total + count, misses + lost + signIns + failures);
      return { at: new Date(at).toISOString(), calls, signIns, misses: misses + lost, failures };
    });
}

const mostVersions = 5;

/** The versions that were at work, the one that was seen first most recently first. */
export function versionsOf(rows: readonly CalledRow[]): AppReport['versions'] {
  const ofVersion = Map.groupBy(
    rows.filter(({ Version }) => Version),
    ({ Version }) => (Version ?? '').slice(0, 80),
  );
  return [...ofVersion]
    .map(([version, found]) => ({
      version,
      since: new Date(Math.min(...found.map(({ At }) => At.getTime()))).toISOString(),
    }))
    .sort((a, b) => Date.parse(b.since) - Date.parse(a.since))
    .slice(0, mostVersions);
}

const latencyRows = z.array(
  z.object({ Name: z.string(), Total: z.number(), Calls: z.number(), Longest: z.number().nullable() }),
);

/** By the name of the histogram, whose unit is `perMs` to the millisecond. */
export function latencyOf(rows: readonly Row[], histogram: string, perMs: number): AppReport['l1Latency'] {
  const found = latencyRows.parse(rows).find(({ Name }) => Name === histogram);
  if (!found || found.Calls <= 0) return null;
  const { Total, Calls, Longest } = found;
  const inMs = (value: number) => Math.round((value / perMs) * 1000) / 1000;
  return { calls: Math.round(Calls), meanMs: inMs(Total / Calls), maxMs: inMs(Longest ?? Total / Calls) };
}

const logRow = z.object({
  Severity: z.number().nullable(),
  Encrypting: z.string(),
  Thrown: z.string(),
  Records: z.number(),
});

/** Levels as Application Insights numbers them. */
const severities = { warning: 2, error: 3 };
const mostTypes = 5;

/** What the adapter logged; all null where no log of the app arrives. */
export function logsOf(rows: readonly Row[]) {
  const found = z.array(logRow).parse(rows);
  if (found.length === 0) return { encrypting: null, plain: null, storeErrors: null };
  const records = (of: typeof found) => Math.round(of.reduce((total, { Records }) => total + Records, 0));
  const warnings = found.filter(({ Severity }) => Severity === severities.warning);
  const encrypts = (row: (typeof found)[number]) => row.Encrypting.toLowerCase() === 'true';
  const errors = Map.groupBy(
    found.filter(({ Severity }) => (Severity ?? 0) >= severities.error),
    ({ Thrown }) => (Thrown === '' ? 'unknown' : Thrown),
  );
  return {
    encrypting: records(warnings.filter(encrypts)),
    plain: records(warnings.filter((row) => !encrypts(row))),
    storeErrors: [...errors]
      .map(([type, of]) => ({ type, count: records(of) }))
      .sort((a, b) => b.count - a.count)
      .slice(0, mostTypes),
  };
}

const userRow = z.object({ Users: z.number() });

/** Null where no request names a user. */
export function usersOf(rows: readonly Row[]): number | null {
  return Math.round(z.array(userRow).parse(rows)[0]?.Users ?? 0) || null;
}

const memoryRows = z.array(
  z.object({ Name: z.string(), Times: z.array(z.coerce.date()), Values: z.array(z.number()) }),
);

/** Hours begin up to an hour before their last value: an instance of which nothing came for longer has stopped. */
const stoppedMs = 2 * 3_600_000;
/** A process fills its memory as it starts: its first hour tells of no growth. */
const warmUpHours = 1;
const leastHours = 6;

/** By the one counter that most instances have. */
export function memoryOf(rows: readonly Row[], now: Date): AppReport['memory'] {
  const atWork = memoryRows
    .parse(rows)
    .filter(({ Times }) => now.getTime() - (Times.at(-1)?.getTime() ?? 0) <= stoppedMs);
  const byCounter = Map.groupBy(atWork, ({ Name }) => Name);
  const [instances] = [...byCounter.values()].sort((a, b) => b.length - a.length);
  if (!instances) return null;
  const growths = instances.flatMap(({ Times, Values }) => {
    const points = Times.map((at, index) => ({ hour: at.getTime() / 3_600_000, bytes: Values[index] ?? 0 }));
    return growthOf(points.slice(warmUpHours)) ?? [];
  });
  return {
    instances: instances.length,
    largestBytes: Math.max(...instances.map(({ Values }) => Values.at(-1) ?? 0)),
    bytesPerHour: growths.length === 0 ? null : Math.max(...growths),
  };
}

/** The median of the slopes between every two points: a peak or a collection of garbage does not move it. */
function growthOf(points: readonly { hour: number; bytes: number }[]): number | undefined {
  if (points.length < leastHours) return undefined;
  const slopes = points.flatMap((later, index) =>
    points.slice(0, index).flatMap((earlier) => {
      const hours = later.hour - earlier.hour;
      return hours > 0 ? (later.bytes - earlier.bytes) / hours : [];
    }),
  );
  const sorted = slopes.sort((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
}

const roleRows = z.array(z.object({ Role: z.string() }));
export const rolesOf = (rows: readonly Row[]): string[] => roleRows.parse(rows).map(({ Role }) => Role);
