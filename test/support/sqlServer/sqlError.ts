import { error, type ServerError } from './tokens.ts';

/** An error that a statement ends with, by SQL Server's number. */
export class SqlError extends Error {
  readonly report: ServerError;

  constructor(report: ServerError) {
    super(report.message);
    this.report = report;
  }

  get token(): Buffer {
    return error(this.report);
  }
}

interface PostgresFailure {
  code: string;
  message: string;
}

/** A statement that PostgreSQL refused. Anything else (no connection, a shutdown) is the endpoint's own trouble: it hangs up. */
export function failedAtPostgres(error: unknown): error is PostgresFailure {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|53|57P)/.test(code);
}

/** What SQL Server says where PostgreSQL says this. */
export function fromPostgres(failure: PostgresFailure): SqlError {
  const quoted = /"([^"]*)"/.exec(failure.message)?.[1] ?? '';
  switch (failure.code) {
    case '42P01':
      return new SqlError({ number: 208, message: `Invalid object name '${quoted}'.` });
    case '42703':
      return new SqlError({ number: 207, message: `Invalid column name '${quoted}'.` });
    case '42501':
      return new SqlError({
        number: 229,
        severity: 14,
        message: `The permission was denied on the object '${quoted}'.`,
      });
    case '23503': {
      const [, constraint, other] = /constraint "([^"]*)" on table "([^"]*)"/.exec(failure.message) ?? [];
      return new SqlError({
        number: 547,
        message: `The DELETE statement conflicted with the REFERENCE constraint "${constraint}". The conflict occurred in database "cache", table "dbo.${other}", column 'Id'.`,
      });
    }
    case '55P03':
      return new SqlError({ number: 1222, message: 'Lock request time out period exceeded.' });
    case '40P01':
      return new SqlError({
        number: 1205,
        severity: 13,
        message: 'Transaction was deadlocked on lock resources and has been chosen as the deadlock victim.',
      });
    // Two that create one index at once: which error, depends on how far the other was.
    case '42P07':
    case '23505':
      return new SqlError({
        number: 1913,
        message: 'The operation failed because an index with that name already exists.',
      });
    default:
      return new SqlError({ number: 50_000, message: `${failure.code}: ${failure.message}` });
  }
}
