/**
 * What a session is set to, and by whom. Behind a pooler in transaction mode a session is everybody's: what one client sets
 * or locks stays there for the next. So a setting is made for the session only where the session is this client's own, and
 * else within each transaction.
 */

/** What a connection is for; `index` runs without a limit of ours. */
export type SessionUse = 'read' | 'delete' | 'index';

const limitNames = [
  'statement_timeout',
  'transaction_timeout',
  'idle_session_timeout',
  'idle_in_transaction_session_timeout',
  'lock_timeout',
] as const;
export type LimitName = (typeof limitNames)[number];

/** Time limits that a role, a database or the server sets; those that are not set are left out. */
export type TimeLimits = Partial<Record<LimitName, { ms: number; source: string }>>;

/** How long a batch waits for a row that an app holds locked before it passes over it. A sign-in holds one for milliseconds. */
const lockTimeoutMs = 100;

/**
 * The settings of a use, each for a reason:
 * - UTC and ISO: instants go out and come back as text, in full precision
 * - read committed: a batch passes over what changed meanwhile, and no snapshot holds vacuum back
 * - no parallel workers: the cores belong to the sign-ins
 * - of a batch: it must not wait long for locks, nor read the whole table when the planner's statistics are stale
 * - of an index build: it goes on when its client had to leave (see expiryIndex.ts); the setting came with PostgreSQL 14
 */
function settingsOf(use: SessionUse): [name: string, value: string][] {
  return [
    ['TimeZone', 'UTC'],
    ['DateStyle', 'ISO'],
    ['default_transaction_isolation', 'read committed'],
    ['max_parallel_workers_per_gather', '0'],
    ...(use === 'delete' ? ([['enable_seqscan', 'off']] as [string, string][]) : []),
  ];
}

/** Limits that are ours: never longer than what is set already. */
function limitsOf(use: SessionUse, statementMs: number): [name: LimitName, ms: number][] {
  return [
    ...(use === 'index' ? [] : ([['statement_timeout', statementMs]] as [LimitName, number][])),
    ...(use === 'delete' ? ([['lock_timeout', lockTimeoutMs]] as [LimitName, number][]) : []),
  ];
}

/**
 * The first statement on a connection. `pid` is the process that the login was answered with: a pooler gives one of its own,
 * so where the backend says another one the session is shared, and set_config (whose last argument is `is_local`) leaves
 * nothing behind.
 */
export function openSession(use: SessionUse, pid: number, statementMs: number): string {
  const shared = `pg_backend_pid() <> ${Math.trunc(pid)}`;
  const settings = settingsOf(use).map(([name, value]) => `set_config('${name}', '${value}', ${shared})`);
  const limits = limitsOf(use, statementMs).map(
    ([name, ms]) => `set_config('${name}', least((limits #>> '{${name},ms}')::bigint, ${ms})::text, ${shared})`,
  );
  if (use === 'index')
    limits.push(`case when current_setting('server_version_num')::int >= 140000
                 then set_config('client_connection_check_interval', '0', ${shared}) end`);
  return `
select not ${shared} as own, limits, time_zone, ${[...settings, ...limits].join(', ')}
from (
  select coalesce(jsonb_object_agg(name, jsonb_build_object('ms', reset_val::bigint, 'source', source))
                    filter (where name <> 'TimeZone' and reset_val <> '0'), '{}') as limits,
         max(reset_val) filter (where name = 'TimeZone') as time_zone
  from pg_settings where name in ('TimeZone', ${limitNames.map((name) => `'${name}'`).join(', ')})
) as known`;
}

/** Begins a transaction with the settings of a use, which end with it. */
export function beginLocal(use: SessionUse, limits: TimeLimits, statementMs: number): string {
  const mine = limitsOf(use, statementMs).map(([name, ms]) => [name, Math.min(ms, limits[name]?.ms ?? ms)] as const);
  const all = [...settingsOf(use), ...mine].map(([name, value]) => `set_config('${name}', '${value}', true)`);
  return `${begin(use)}; select ${all.join(', ')}`;
}

export const begin = (use: SessionUse) => `begin isolation level read committed${use === 'read' ? ' read only' : ''}`;
