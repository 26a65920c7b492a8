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
import { adviceOfSeverity, explanationOf } from './errorNumbers.ts';
import { quoteIdentifier } from './tableName.ts';

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
  severity: number | undefined;
  code: string;
  message: string;
}

/** Translates what `mssql` threw. Never keeps the original: it may hold parameters or the connection's settings. */
export function translateError(error: unknown, purpose: Purpose, context: ErrorContext): CacheTableError {
  if (error instanceof CacheTableError) return error;
  const described = describe(error);
  const { number, code } = described;
  const text = redact(described.message, context.secrets);
  if (isEntraFailure(error)) return new CacheTableError('permanent', 'entra', 'login_failed', text, entraAdvice);
  const engineCode = number === undefined ? code : String(number);
  const [kind, stableCode, advice] = explain(described, text);
  const told = filled(advice, factsOf(text, purpose, context));
  const answered = number !== undefined && code === 'EREQUEST' && !inTheMiddle.has(number);
  return new CacheTableError(kind, engineCode, stableCode, `SQL Server ${engineCode}: ${text}`, told, { answered });
}

/** What an advice is made of. */
function factsOf(text: string, purpose: Purpose, { table, host, user: name, byPassword }: ErrorContext) {
  const user = name ? quoteIdentifier(name) : 'the user';
  const [, constraint = 'a foreign key', , referrer = 'another table'] =
    /constraint "([^"]+)"(.*?table "([^"]+)")?/i.exec(text) ?? [];
  return {
    user,
    table,
    host,
    constraint,
    referrer,
    transactions: 'sys.dm_tran_locks',
    createUser: `CREATE USER ${user} ${byPassword ? `FOR LOGIN ${user}` : 'FROM EXTERNAL PROVIDER'};`,
    address: /IP address '([^']+)'/i.exec(text)?.[1] ?? 'named above',
    grant:
      purpose === 'index'
        ? `Run GRANT ALTER ON ${table} TO ${user}; or create the index once yourself: CREATE INDEX IX_TokenCache_ExpiresAtTime ON ${table} (ExpiresAtTime);`
        : `Run GRANT SELECT, DELETE ON ${table} TO ${user};`,
  };
}

function describe(error: unknown): Description {
  if (!(error instanceof Error))
    return { number: undefined, severity: undefined, code: 'unknown', message: 'unknown failure' };
  const { code, number, class: severity } = error as { code?: unknown; number?: unknown; class?: unknown };
  const text = typeof code === 'string' ? code : error.name === 'TimeoutError' ? error.name : 'unknown';
  const login = text === 'ELOGIN' ? loginTexts.find(([pattern]) => pattern.test(error.message))?.[1] : undefined;
  return {
    number: typeof number === 'number' ? number : login,
    severity: typeof severity === 'number' ? severity : undefined,
    code: text,
    message: error.message,
  };
}

function explain({ number, code, severity }: Description, text: string): Explanation {
  const known = number === undefined ? undefined : explanationOf(number);
  if (known) return number === 18456 && tokenExpired.test(text) ? ['transient', known[1], known[2]] : known;
  const kind = kindOf(code, text);
  if (/ENOTFOUND|EAI_AGAIN/.test(`${code} ${text}`))
    return [
      kind,
      'host_not_found',
      'The name {host} does not resolve. Check `Server=` of the connection string and the DNS of the network.',
    ];
  if (certificateRefused.test(text))
    return [
      kind,
      'tls_certificate',
      "The server's certificate was not accepted. Use the name it was issued for (`HostNameInCertificate=…`), or install its authority (NODE_EXTRA_CA_CERTS).",
    ];
  if (code === 'EENCRYPT')
    return [
      kind,
      'encryption_mismatch',
      'Client and server do not agree on encryption. Set `Encrypt=` to what the server offers; Azure SQL needs True or Strict.',
    ];
  if (kind !== 'permanent') return ofKind[kind];
  if (code === 'ELOGIN') return [kind, 'login_failed', 'Check the login of the connection string.'];
  return [kind, 'database_error', adviceOfSeverity(number === undefined ? undefined : severity)];
}

function kindOf(code: string, text: string): 'transient' | 'timeLimit' | 'permanent' {
  // While connecting, and after a cancel that was not heard, the same code means that nobody answered.
  if (code === 'ETIMEOUT') return /connect|cancel/i.test(text) ? 'transient' : 'timeLimit';
  if (certificateRefused.test(text)) return 'permanent';
  return connectionFailures.test(code) || neverConnected.test(text) ? 'transient' : 'permanent';
}
