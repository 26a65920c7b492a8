import type { PostgresSession } from './postgresSession.ts';
import type { StatementRequest } from './requests.ts';
import { defaultOptions, isInitialBatch, optionsOf, type SetOptions } from './settings.ts';
import { failedAtPostgres, fromPostgres, SqlError } from './sqlError.ts';
import type { Recognised, ServerKind } from './statementTable.ts';
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
    // SQL Server restores what a procedure had set; Babelfish 4.3 keeps it.
    const kept = !request.inProcedure || this.#server.babelfish !== null;
    if (kept) this.#options = options;
    if (!recognised) {
      if (!request.inProcedure && isInitialBatch(request.text)) return tokens.doneBatch(tokens.doneStatus.final);
      throw new SqlError({
        number: 102,
        severity: 15,
        message: `Incorrect syntax: the test endpoint knows no such statement: ${request.text.trim().slice(0, 200)}`,
      });
    }
    const { entry, table, index, flags } = recognised;
    const lockTimeoutMs = Math.max(0, Number(options.lockTimeout));
    try {
      const answer = await entry.answer({
        table,
        index,
        flags,
        parameters: request.parameters,
        server: this.#server,
        sessionId: this.#sessionId,
        query: (text) => this.#postgres.query(text, request.parameters, lockTimeoutMs),
      });
      if (kept) this.#options = { ...options, ...optionsOf(request.text).after };
      return tokensOf(answer, request.inProcedure, options.nocount === 'ON');
    } catch (error) {
      if (error instanceof SqlError || !failedAtPostgres(error)) throw error;
      throw fromPostgres(error, this.#server.babelfish !== null);
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
