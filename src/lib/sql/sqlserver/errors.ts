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
import { quoteIdentifier } from './tableName.ts';

/** Deadlock victim, lock timeout; 1204: no lock left to be had, so fewer rows; 601: a scan with NOLOCK met moving data. */
const lockNumbers = new Set([1205, 1222, 1204, 601]);

/**
 * Pass by themselves (Azure SQL: "Troubleshoot transient connection errors"): the database moves or fails over (40613,
 * 40197, 4060, 4221), is throttled (40501, 10928, 10929, 49918-49920), or short of memory (701, 8645).
 */
const transientNumbers = new Set([
  40613, 40197, 40143, 4060, 4221, 40501, 10928, 10929, 49918, 49919, 49920, 701, 8645, 8651, 615, 926, 17197, 64, 233,
  10053, 10054, 10060,
]);

/** A failover came in between: the statement may have been committed ("Transient errors", Azure SQL). */
const inTheMiddle = new Set([40197, 40143]);

/** For a failed login whose number the driver did not hand out, by the server's text. */
const loginTexts: [RegExp, number][] = [
  [/Client with IP address/i, 40615],
  [/Deny Public Network Access|public network access/i, 47073],
  [/is not currently available/i, 40613],
  [/error processing your request/i, 40197],
  [/service is currently busy/i, 40501],
  [/Resource ID\b.*limit/i, 10928],
  [/not enough resources to process/i, 49918],
  [/Cannot open database/i, 4060],
  [/Login failed/i, 18456],
];

/** The socket's codes, the driver's for a connection that is gone, and the pool's for one that could not be had in time. */
const connectionFailures =
  /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND|ESOCKET|ENOTOPEN|EINSTLOOKUP|ECLOSE|EINVALIDSTATE|ECANCEL|TimeoutError)/;

/** mssql's words, without a code, for a connection that ended while it was being opened. */
const neverConnected = /ended without ever completing the connection/;
const certificateRefused = /certificate|self[- ]signed|altnames/i;
/** Azure SQL's text with 18456: the next login gets a new token. */
const tokenExpired = /token is expired/i;

interface Description {
  number: number | undefined;
  code: string;
  message: string;
}

/** Translates what `mssql` threw. Never keeps the original: it may hold parameters or the connection's settings. */
export function translateError(error: unknown, purpose: Purpose, context: ErrorContext): CacheTableError {
  if (error instanceof CacheTableError) return error;
  const { number, code, message } = describe(error);
  const text = redact(message, context.secrets);
  if (isEntraFailure(error)) return new CacheTableError('permanent', 'entra', 'login_failed', text, entraAdvice);
  const engineCode = number === undefined ? code : String(number);
  const kind = kindOf(number, code, message);
  const [stableCode, advice] = explain(number, code, text, kind, purpose, context);
  const answered = number !== undefined && code === 'EREQUEST' && !inTheMiddle.has(number);
  return new CacheTableError(kind, engineCode, stableCode, `SQL Server ${engineCode}: ${text}`, advice, { answered });
}

function describe(error: unknown): Description {
  if (!(error instanceof Error)) return { number: undefined, code: 'unknown', message: 'unknown failure' };
  const { code, number } = error as { code?: unknown; number?: unknown };
  const text = typeof code === 'string' ? code : error.name === 'TimeoutError' ? error.name : 'unknown';
  const login = text === 'ELOGIN' ? loginTexts.find(([pattern]) => pattern.test(error.message))?.[1] : undefined;
  return { number: typeof number === 'number' ? number : login, code: text, message: error.message };
}

function kindOf(number: number | undefined, code: string, message: string): FailureKind {
  if (number !== undefined && lockNumbers.has(number)) return 'lock';
  if (number !== undefined && transientNumbers.has(number)) return 'transient';
  if (number === 18456 && tokenExpired.test(message)) return 'transient';
  // While connecting, and after a cancel that was not heard, the same code means that nobody answered.
  if (code === 'ETIMEOUT') return /connect|cancel/i.test(message) ? 'transient' : 'timeLimit';
  if (certificateRefused.test(message)) return 'permanent';
  return connectionFailures.test(code) || neverConnected.test(message) ? 'transient' : 'permanent';
}

function explain(
  number: number | undefined,
  code: string,
  text: string,
  kind: FailureKind,
  purpose: Purpose,
  context: ErrorContext,
): [ErrorCode, string] {
  const user = context.user ? quoteIdentifier(context.user) : 'the user';
  switch (number) {
    case 40615: {
      const address = /IP address '([^']+)'/i.exec(text)?.[1];
      return [
        'firewall',
        `Allow the address ${address ?? 'named above'} in the firewall of ${context.host}, or connect the function app to the server's virtual network.`,
      ];
    }
    case 47073:
      return [
        'firewall',
        `${context.host} accepts connections through its private endpoint only: join the function app to that virtual network.`,
      ];
    case 18456:
      return [
        'login_failed',
        `Check the login of the connection string. For a managed identity: CREATE USER ${user} FROM EXTERNAL PROVIDER; in the database.`,
      ];
    case 4060:
      return [
        'database_unavailable',
        `Check \`Database=\` of the connection string, and that the login has a user in it (CREATE USER ${user} FROM EXTERNAL PROVIDER;). It passes by itself if the database was failing over.`,
      ];
    case 208:
      return [
        'table_missing',
        `Set TOKEN_CACHE_TABLE to the cache's table; ${context.table} is not in this database, or ${user} has no right to it.`,
      ];
    case 207:
      return [
        'column_missing',
        `${context.table} is not a table of \`dotnet sql-cache create\`: it needs the columns Id, Value and ExpiresAtTime.`,
      ];
    case 229:
    case 230:
    case 262:
    case 297:
    case 300:
    case 1088:
    case 15247:
    case 3704:
      return ['permission_missing', grantFor(purpose, user, context.table)];
    case 1204:
      return [
        'lock_in_the_way',
        'The server has no locks left to give. Look into sys.dm_tran_locks for what holds them.',
      ];
    case 9002:
      return ['log_full', 'The transaction log is full. Take a log backup or enlarge the log; the next run goes on.'];
    case 8622:
      return ['index_lost', 'The expiry index went away during the run. The next run creates it again.'];
    default:
  }
  if (/ENOTFOUND|EAI_AGAIN/.test(`${code} ${text}`))
    return [
      'host_not_found',
      `The name ${context.host} does not resolve. Check \`Server=\` of the connection string and the DNS of the network.`,
    ];
  if (certificateRefused.test(text)) {
    return [
      'tls_certificate',
      "The server's certificate was not accepted. Use the name it was issued for (`HostNameInCertificate=…`), or install its authority (NODE_EXTRA_CA_CERTS).",
    ];
  }
  if (code === 'EENCRYPT')
    return [
      'encryption_mismatch',
      'Client and server do not agree on encryption. Set `Encrypt=` to what the server offers; Azure SQL needs True or Strict.',
    ];
  if (code === 'ELOGIN' && kind === 'permanent') return ['login_failed', 'Check the login of the connection string.'];
  return explainKind(kind, 'sys.dm_tran_locks', 'the list of SQL Server errors');
}

function grantFor(purpose: Purpose, user: string, table: string): string {
  if (purpose !== 'index') return `Run GRANT SELECT, DELETE ON ${table} TO ${user};`;
  return `Run GRANT ALTER ON ${table} TO ${user}; or create the index once yourself: CREATE INDEX IX_TokenCache_ExpiresAtTime ON ${table} (ExpiresAtTime);`;
}
