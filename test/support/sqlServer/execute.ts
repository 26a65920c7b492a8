import type { PostgresSession } from './postgresSession.ts';
import type { StatementRequest } from './requests.ts';
import { defaultOptions, isInitialBatch, optionsOf, type SetOptions } from './settings.ts';
import { failedAtPostgres, fromPostgres, SqlError } from './sqlError.ts';
import { type Recognised, type ServerKind, toPostgres } from './statementTable.ts';
import * as tokens from './tokens.ts';

/** Runs the statements of one session, and keeps its SET options. */
export class Executor {
  readonly #postgres: PostgresSession;
  readonly #server: ServerKind;
  readonly #sessionId: number;
  #options: SetOptions = defaultOptions;

  constructor(postgres: PostgresSession, server: ServerKind, sessionId: number) {
    this.#postgres = postgres;
    this.#server = server;
    this.#sessionId = sessionId;
  }

  /** The options that the session has between two statements. */
  get options(): SetOptions {
    return this.#options;
  }

  /** The options in force while this request runs. */
  optionsDuring({ text }: StatementRequest): SetOptions {
    return { ...this.#options, ...optionsOf(text).during };
  }

  /** The tokens of the answer; an error where the text is unknown, or its twin fails. */
  async run(request: StatementRequest, recognised: Recognised | undefined): Promise<Buffer> {
    const options = this.optionsDuring(request);
    // What a procedure had set is restored when it ends.
    if (!request.inProcedure) this.#options = options;
    if (!recognised) {
      if (!request.inProcedure && isInitialBatch(request.text)) return tokens.doneBatch(tokens.doneStatus.final);
      throw new SqlError({
        number: 102,
        severity: 15,
        message: `Incorrect syntax: the test endpoint knows no such statement: ${request.text.trim().slice(0, 200)}`,
      });
    }
    if (!this.#server.rowLocks && request.text.includes('ROWLOCK')) {
      throw new SqlError({
        number: 651,
        message: `Cannot use the ROW granularity hint on the table "TokenCache" because locking at the specified granularity is inhibited.`,
      });
    }
    const { entry, table, index, column, sid, flags } = recognised;
    const { text, parameters } = request;
    // Here 0 waits for nobody, and -1 without end; in PostgreSQL 0 does.
    const lockTimeoutMs = options.lockTimeout === '0' ? 1 : Math.max(0, Number(options.lockTimeout));
    const relation = typeof parameters.table === 'string' ? toPostgres(parameters.table) : null;
    try {
      const answer = await entry.answer({
        text,
        table,
        index,
        column,
        sid,
        flags,
        parameters,
        server: this.#server,
        sessionId: this.#sessionId,
        query: (twin) => this.#postgres.query(twin, { ...parameters, relation }, lockTimeoutMs),
      });
      if (!request.inProcedure) this.#options = { ...options, ...optionsOf(text).after };
      return tokensOf(answer, request.inProcedure, options.nocount === 'ON');
    } catch (error) {
      if (error instanceof SqlError || !failedAtPostgres(error)) throw error;
      throw fromPostgres(error);
    }
  }
}

function tokensOf(answer: Awaited<ReturnType<Recognised['entry']['answer']>>, inProcedure: boolean, nocount: boolean) {
  const { columns, rows } = answer;
  const result =
    columns.length === 0 ? [] : [tokens.columnMetadata(columns), ...rows.map((row) => tokens.row(columns, row))];
  const count = nocount ? undefined : (answer.count ?? (columns.length === 0 ? undefined : rows.length));
  const { more, final } = tokens.doneStatus;
  return Buffer.concat(
    inProcedure
      ? [...result, tokens.doneInProcedure(more, count), tokens.returnStatus(0), tokens.doneProcedure(final)]
      : [...result, tokens.doneBatch(final, count)],
  );
}

/** The tokens of a statement that ended with an error. */
export function failureTokens(error: SqlError, inProcedure: boolean): Buffer {
  const end = inProcedure ? tokens.doneProcedure : tokens.doneBatch;
  return Buffer.concat([error.token, end(tokens.doneStatus.error)]);
}
