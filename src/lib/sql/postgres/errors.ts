import { redact } from '../../errors.ts';
import {
  CacheTableError,
  type ErrorContext,
  type Explanation,
  entraAdvice,
  filled,
  isEntraFailure,
  ofKind,
  type Purpose,
} from '../cacheTableError.ts';
import type { LimitName, TimeLimits } from './session.ts';
import { explanationOf } from './sqlStates.ts';
import { quoteIdentifier, quoteTable } from './tableName.ts';

/** Errors of sockets and of the driver that mean: the connection is gone, or cannot be had just now. */
const connectionFailures = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND)/;
const driverConnectionMessages =
  /Connection terminated|Connection ended|not queryable|timeout exceeded when trying to connect|Client was closed/i;

/** Limits that end a statement or a session, by the code that the server then gives. */
const limitOf: Partial<Record<string, LimitName>> = {
  '57014': 'statement_timeout',
  '25P04': 'transaction_timeout',
  '25P03': 'idle_in_transaction_session_timeout',
  '57P05': 'idle_session_timeout',
  '55P03': 'lock_timeout',
};

/** Who set a limit, by `source` of pg_settings, and how it is set otherwise. */
const limitSources: Record<string, [who: string, how: string]> = {
  user: ['The role', 'ALTER ROLE {role} SET'],
  database: ['The database', 'ALTER DATABASE … SET'],
  'database user': ['The role in this database', 'ALTER ROLE {role} IN DATABASE … SET'],
};

/** What the driver or the server said. The fields are those of the protocol's ErrorResponse. */
interface Said {
  code: string;
  message: string;
  where?: string;
  schema?: string;
  table?: string;
  constraint?: string;
}

const isSqlState = (code: string) => /^[0-9A-Z]{5}$/.test(code);

/** Whether the connection that failed so must not be used again. */
export function breaksConnection(error: unknown): boolean {
  const { code, message } = describe(error);
  return !isSqlState(code) || /^(08|57P|25P0[34])/.test(code) || /read timeout/i.test(message);
}

/** Translates what `pg` threw. Never keeps the original: it may hold parameters or the connection's settings. */
export function translateError(
  error: unknown,
  purpose: Purpose,
  context: ErrorContext,
  limits: TimeLimits = {},
): CacheTableError {
  if (error instanceof CacheTableError) return error;
  const said = describe(error);
  const { code } = said;
  const text = redact(said.message, context.secrets);
  if (/read timeout/i.test(said.message)) {
    const [kind, stableCode, advice] = ofKind.timeLimit;
    return new CacheTableError(kind, code, stableCode, text, advice);
  }
  if (isEntraFailure(error)) return new CacheTableError('permanent', 'entra', 'login_failed', text, entraAdvice);
  const [kind, stableCode, advice] = explain(said, text, purpose, context, limits);
  const role = context.user ? quoteIdentifier(context.user) : 'the role';
  const schema = context.table.split('.', 1)[0] ?? '';
  const told = filled(advice, { table: context.table, schema, role, transactions: 'pg_stat_activity' });
  const { table, constraint: name } = said;
  return new CacheTableError(kind, code, stableCode, `PostgreSQL ${code}: ${text}${refusedBy(said)}`, told, {
    constraint: name && said.schema && table ? { name, schema: said.schema, table } : undefined,
  });
}

function describe(error: unknown): Said {
  if (!(error instanceof Error)) return { code: 'unknown', message: 'unknown failure' };
  // A host with several addresses fails with an AggregateError, whose own message is empty.
  const first: Error = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  const { code, where, schema, table, constraint } = first as Partial<Said>;
  const known =
    typeof code === 'string' ? code : driverConnectionMessages.test(first.message) ? 'ECONNRESET' : 'unknown';
  return {
    code: known,
    message: first.message,
    ...(where && { where }),
    ...(schema && { schema }),
    ...(table && { table }),
    ...(constraint && { constraint }),
  };
}

/** The constraint and its table, or the function, that refused a row; never the row. */
function refusedBy({ code, schema, table, constraint, where }: Said): string {
  if (code.startsWith('23') && constraint && schema && table)
    return ` (constraint ${constraint} of ${quoteTable({ schema, table })})`;
  const routine = where && /^PL\/pgSQL function [^\n]*/.exec(where)?.[0];
  return routine ? ` (${routine})` : '';
}

/** By what is to be done. */
const grants = {
  index:
    "Only the table's owner may create an index: let the owner run `CREATE INDEX CONCURRENTLY ON {table} (expiresattime);`, or `ALTER TABLE {table} OWNER TO {role};`.",
  table: 'Run GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT, DELETE ON {table} TO {role};',
};

function explain(said: Said, text: string, purpose: Purpose, context: ErrorContext, limits: TimeLimits): Explanation {
  const { code, where } = said;
  const blocked = /no pg_hba\.conf entry for host "([^"]+)"/.exec(text)?.[1];
  if (blocked) {
    return [
      'permanent',
      'firewall',
      `The server does not accept connections from ${blocked}. Allow this address in the server's firewall (or pg_hba.conf); if the text above ends in "no encryption", add \`SSL Mode=Require\` to the connection string.`,
    ];
  }
  if (/statement pooling mode/i.test(text))
    return [
      'permanent',
      'pooler_unsuitable',
      'Let the pooler pool by transaction or by session (pool_mode), or connect to the port of the server itself.',
    ];
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    // The one that was asked for, where there are several hosts.
    const name = /(?:ENOTFOUND|EAI_AGAIN) ([\w.-]*\w)/.exec(text)?.[1] ?? context.host;
    return [
      'transient',
      'host_not_found',
      `The name ${name} does not resolve. Check \`Host=\` of the connection string and the DNS of the network.`,
    ];
  }
  if (connectionFailures.test(code)) return ofKind.transient;
  // What a trigger or a rule did with the row: its own rights and tables, not ours.
  const byRoutine = purpose === 'delete' && isSqlState(code) && /function|SQL statement/i.test(where ?? '');
  const [kind, stable, advice] = (byRoutine && /^(42|0A|3F)/.test(code)
    ? explanationOf('P0001')
    : explanationOf(code)) ?? [
    'permanent',
    'database_error',
    byRoutine || purpose === 'delete'
      ? 'A code of its own: a trigger or an extension raises it. The text above is what it says.'
      : 'A code of its own, of an extension or of what stands between: the text above is what it says.',
  ];
  if (code === '42501' && !byRoutine)
    return ['permanent', 'permission_missing', grants[purpose === 'index' ? 'index' : 'table']];
  const ofLimit = limitAdvice(code, text, limits);
  if (ofLimit) {
    // A build that was cut off by what the role may take would be so again.
    return [purpose === 'index' && kind === 'timeLimit' ? 'permanent' : kind, stable, ofLimit];
  }
  // Only of rows that are being deleted can some be passed over.
  if (purpose === 'delete') return [isSqlState(code) && !explanationOf(code) ? 'rows' : kind, stable, advice];
  return [kind === 'rows' ? 'permanent' : kind, stable === 'row_refused' ? 'database_error' : stable, advice];
}

/** Names the limit that ended a statement or session, and who set it. */
function limitAdvice(code: string, text: string, limits: TimeLimits): string | undefined {
  const name = limitOf[code];
  if (!name) return undefined;
  if (code === '57014' && /user request/i.test(text))
    return 'Somebody cancelled the statement (pg_cancel_backend). The next run goes on; where it comes again, ask who does it.';
  const limit = limits[name];
  if (!limit) return name === 'lock_timeout' ? undefined : ofKind.timeLimit[2];
  const [who, how] = limitSources[limit.source] ?? ['The server', 'ALTER ROLE {role} SET'];
  return `${who} limits it: ${name} is ${limit.ms} ms. Raise it for this tool, which keeps to it: ${how} ${name} = …; or look for what makes the statement wait.`;
}
