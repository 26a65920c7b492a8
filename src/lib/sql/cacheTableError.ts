import type { ErrorCode } from '../errorCodes.ts';
import { MaintenanceError } from '../errors.ts';
import type { Secret } from '../secret.ts';

/**
 * What a caller may do about a failed statement.
 * - `lock`: somebody else's lock was in the way (lock timeout, deadlock): try again with fewer rows
 * - `transient`: the database or the way to it is unwell for a while: try again later
 * - `timeLimit`: the statement's own deadline was up
 * - `rows`: some of the rows cannot be deleted, by a constraint or a trigger: the others can
 * - `permanent`: trying again changes nothing
 */
export type FailureKind = 'lock' | 'transient' | 'timeLimit' | 'rows' | 'permanent';

/** A failure of an adapter's statement, translated from its engine. Carries the engine's own number for the reader. */
export class CacheTableError extends MaintenanceError {
  readonly kind: FailureKind;
  /** The engine's error number or SQLSTATE, or the socket's error code. */
  readonly engineCode: string;
  /** The constraint that refused a row, and the table that has it, where the server names them. */
  readonly constraint: { name: string; schema: string; table: string } | undefined;
  /** The server itself said that the statement failed: nothing of it was done. Else its answer may have been lost. */
  readonly answered: boolean;

  constructor(
    kind: FailureKind,
    engineCode: string,
    code: ErrorCode,
    message: string,
    advice: string,
    { answered = false, constraint }: Partial<Pick<CacheTableError, 'answered' | 'constraint'>> = {},
  ) {
    super(code, message, advice);
    this.name = 'CacheTableError';
    this.kind = kind;
    this.engineCode = engineCode;
    this.answered = answered;
    this.constraint = constraint;
  }
}

/** What a failure is to the run, its stable code, and what to do; names in braces stand for what {@link filled} puts there. */
export type Explanation = readonly [kind: FailureKind, code: ErrorCode, advice: string];

/** An advice, with what its names in braces stand for. */
export function filled(advice: string, facts: Readonly<Record<string, string>>): string {
  return advice.replace(/\{(\w+)\}/g, (place, name: string) => facts[name] ?? place);
}

/** What a statement was for: the advice on a missing right depends on it. */
export type Purpose = 'connect' | 'read' | 'delete' | 'index';

/** What an error's text and advice are made of, and must not hold. */
export interface ErrorContext {
  table: string;
  user: string | undefined;
  /** The login is the server's own, not Entra's; undefined where that makes no difference. */
  byPassword?: boolean;
  host: string;
  secrets: readonly Secret[];
}

/** What to do about a failure of which no more is known than its kind; `{transactions}` is where the engine shows open ones. */
export const ofKind = {
  lock: [
    'lock',
    'lock_in_the_way',
    'Another session holds locks on the table for long. Look into {transactions} for open transactions.',
  ],
  timeLimit: [
    'timeLimit',
    'statement_timeout',
    'The statement did not end within STATEMENT_TIMEOUT. Look for a long transaction that blocks it, or raise the setting.',
  ],
  transient: [
    'transient',
    'database_unavailable',
    'The database or the way to it was not available. If it stays so: check host, port, firewall and the state of the server.',
  ],
} satisfies Partial<Record<FailureKind, Explanation>>;

/** Whether a driver's error means that no Entra token could be had: @azure/identity's errors, or what tedious and mssql wrap them in. */
export function isEntraFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, originalError } = error as { code?: unknown; originalError?: unknown };
  if (/Credential|Authentication/.test(error.name) || code === 'EFEDAUTH') return true;
  if (error instanceof AggregateError) return error.errors.some(isEntraFailure);
  return originalError !== undefined && isEntraFailure(originalError);
}

export const entraAdvice =
  'No Entra token could be had. In Azure: assign the managed identity, and set AZURE_CLIENT_ID where it is user-assigned. On your own machine: `az login`. Or give a password in the connection string.';

/** Undefined where it fails as expected. */
export async function unless<T>(
  isExpected: (failure: CacheTableError) => boolean,
  answer: Promise<T>,
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CacheTableError && isExpected(error)) return undefined;
    throw error;
  }
}

/** Undefined where the statement's own deadline was up. */
export const unlessTooLong = <T>(answer: Promise<T>) => unless(({ kind }) => kind === 'timeLimit', answer);

/** Undefined where the server does not answer that: it is refused, or takes too long. */
export const unlessRefused = <T>(answer: Promise<T>) => unless(({ kind }) => kind !== 'transient', answer);

/** `failure` is what the server said, `name` the index's, delimited; `holder` says what has the name, where that is known. */
export function indexNameTaken({ engineCode }: CacheTableError, name: string, holder = ''): CacheTableError {
  return new CacheTableError(
    'permanent',
    engineCode,
    'index_name_taken',
    `There is something named ${name} already, and it is not an index of this table that leads with the expiry column. ${holder}`.trim(),
    'Set EXPIRY_INDEX_NAME to a free name.',
  );
}
