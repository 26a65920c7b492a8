import type { ErrorCode } from '../../errorCodes.ts';
import { redact } from '../../errors.ts';
import {
  CacheTableError,
  type ErrorContext,
  entraAdvice,
  explainKind,
  type FailureKind,
  isEntraFailure,
  type Purpose,
} from '../cacheTableError.ts';

const explainByKind = (kind: FailureKind) =>
  explainKind(kind, 'pg_stat_activity', 'appendix A of the PostgreSQL manual');

/** Errors of sockets and of the driver that mean: the connection is gone, or cannot be had just now. */
const connectionFailures = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND)/;
const driverConnectionMessages =
  /Connection terminated|Connection ended|not queryable|timeout exceeded when trying to connect|Client was closed/i;

/**
 * The kind of a failure by SQLSTATE (PostgreSQL manual, appendix A). Classes 08 (connection), 40 (rollback), 53 (resources)
 * and 57P (operator intervention) pass by themselves, but for 53100 (disk full) and 57P04 (database dropped).
 */
function kindOf(code: string): FailureKind {
  if (code === '55P03' || code === '40P01') return 'lock';
  if (code === '57014') return 'timeLimit';
  if (code === '53100' || code === '57P04') return 'permanent';
  return /^(08|40|53|57P)/.test(code) || connectionFailures.test(code) ? 'transient' : 'permanent';
}

/** Whether the connection that failed so must not be used again. */
export function breaksConnection(error: unknown): boolean {
  const { code, message } = describe(error);
  return !/^[0-9A-Z]{5}$/.test(code) || /^(08|57P)/.test(code) || /read timeout/i.test(message);
}

/** Translates what `pg` threw. Never keeps the original: it may hold parameters or the connection's settings. */
export function translateError(error: unknown, purpose: Purpose, context: ErrorContext): CacheTableError {
  if (error instanceof CacheTableError) return error;
  const { code, message } = describe(error);
  const text = redact(message, context.secrets);
  if (/read timeout/i.test(message)) {
    const [stableCode, advice] = explainByKind('timeLimit');
    return new CacheTableError('timeLimit', code, stableCode, text, advice);
  }
  if (isEntraFailure(error)) return new CacheTableError('permanent', 'entra', 'login_failed', text, entraAdvice);
  const [stableCode, advice] = explain(code, text, purpose, context);
  return new CacheTableError(kindOf(code), code, stableCode, `PostgreSQL ${code}: ${text}`, advice);
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'unknown', message: 'unknown failure' };
  // A host with several addresses fails with an AggregateError, whose own message is empty.
  const first: Error = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  const code = 'code' in first && typeof first.code === 'string' ? first.code : undefined;
  const known = code ?? (driverConnectionMessages.test(first.message) ? 'ECONNRESET' : 'unknown');
  return { code: known, message: first.message };
}

function explain(code: string, text: string, purpose: Purpose, context: ErrorContext): [ErrorCode, string] {
  const role = context.user ? `"${context.user.replaceAll('"', '""')}"` : 'the role';
  const blocked = /no pg_hba\.conf entry for host "([^"]+)"/.exec(text)?.[1];
  if (blocked) {
    return [
      'firewall',
      `The server does not accept connections from ${blocked}. Allow this address in the server's firewall (or pg_hba.conf); if the text above ends in "no encryption", add \`SSL Mode=Require\` to the connection string.`,
    ];
  }
  switch (code) {
    case '42P01':
    case '3F000':
      return ['table_missing', `Set TOKEN_CACHE_TABLE to the cache's table; ${context.table} is not in this database.`];
    case '42703':
      return [
        'column_missing',
        `${context.table} is not a table of Microsoft.Extensions.Caching.Postgres: it needs the columns id, value and expiresattime.`,
      ];
    case '42501':
      return ['permission_missing', grantFor(purpose, role, context.table)];
    case '28P01':
    case '28000':
      return [
        'login_failed',
        `Check user and password of the connection string. For Entra authentication leave the password out, and create ${role} with pgaadauth_create_principal.`,
      ];
    case '3D000':
      return ['database_missing', 'Check `Database=` in the connection string.'];
    case '25006':
      return [
        'database_read_only',
        'This is a read-only replica, or the server is out of space. Connect to the primary.',
      ];
    case '53100':
      return ['disk_full', 'The server is out of disk. Add storage; deleting needs some space itself.'];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return [
        'host_not_found',
        `The name ${context.host} does not resolve. Check \`Host=\` of the connection string and the DNS of the network.`,
      ];
    default:
      return explainByKind(kindOf(code));
  }
}

function grantFor(purpose: Purpose, role: string, table: string): string {
  if (purpose === 'index') {
    return `Only the table's owner may create an index: let the owner run \`CREATE INDEX CONCURRENTLY ON ${table} (expiresattime);\`, or \`ALTER TABLE ${table} OWNER TO ${role};\`.`;
  }
  const schema = table.split('.', 1)[0];
  return `Run GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT SELECT, DELETE ON ${table} TO ${role};`;
}
