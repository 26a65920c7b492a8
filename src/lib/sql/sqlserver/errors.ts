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
import { adviceOfSeverity, type ErrorFacts, explanationOf } from './errorNumbers.ts';
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
  const { number, code, message, severity } = describe(error);
  const text = redact(message, context.secrets);
  if (isEntraFailure(error)) return new CacheTableError('permanent', 'entra', 'login_failed', text, entraAdvice);
  const engineCode = number === undefined ? code : String(number);
  const kind = kindOf(number, code, message);
  const user = context.user ? quoteIdentifier(context.user) : 'the user';
  const createUser = `CREATE USER ${user} ${context.byPassword ? `FOR LOGIN ${user}` : 'FROM EXTERNAL PROVIDER'};`;
  const facts = { user, createUser, table: context.table, host: context.host, purpose, text };
  const [stableCode, advice] = explain(number, code, text, kind, facts, severity);
  const answered = number !== undefined && code === 'EREQUEST' && !inTheMiddle.has(number);
  return new CacheTableError(kind, engineCode, stableCode, `SQL Server ${engineCode}: ${text}`, advice, { answered });
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

function kindOf(number: number | undefined, code: string, message: string): FailureKind {
  if (number === 18456 && tokenExpired.test(message)) return 'transient';
  const known = number === undefined ? undefined : explanationOf(number);
  if (known) return known.kind;
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
  facts: ErrorFacts,
  severity: number | undefined,
): [ErrorCode, string] {
  const { code: stable, advice } = (number === undefined ? undefined : explanationOf(number)) ?? {};
  if (stable && advice) return [stable, advice(facts)];
  if (/ENOTFOUND|EAI_AGAIN/.test(`${code} ${text}`))
    return [
      'host_not_found',
      `The name ${facts.host} does not resolve. Check \`Server=\` of the connection string and the DNS of the network.`,
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
  if (kind === 'permanent')
    return ['database_error', adviceOfSeverity(number === undefined ? undefined : severity, facts)];
  return explainKind(kind, 'sys.dm_tran_locks', '');
}
