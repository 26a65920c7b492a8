import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Pool } from '../postgresConnections.ts';
import type { Certificate } from './certificate.ts';
import { Executor, failureTokens } from './execute.ts';
import type { Fault, FaultScript } from './faults.ts';
import { answerLogin, type LoginCheck } from './login.ts';
import { type Login7, readFederatedToken, readLogin7 } from './login7.ts';
import { type Message, MessageReader, packetsOf, packetType } from './packets.ts';
import { PostgresSession } from './postgresSession.ts';
import { preloginAnswer, readPrelogin } from './prelogin.ts';
import { readBatch, readCall, readTransactionStep, type StatementRequest, type TransactionStep } from './requests.ts';
import type { SetOptions } from './settings.ts';
import { SqlError } from './sqlError.ts';
import type { Recognised, ServerKind } from './statementTable.ts';
import { strictTls, tlsInPrelogin } from './tls.ts';
import * as tokens from './tokens.ts';

/** A statement that came in. */
export interface Received {
  session: number;
  /** Its entry in the statement table; undefined for the driver's own batch after the login, and for unknown ones. */
  name: string | undefined;
  inProcedure: boolean;
  /** In force while it ran, and in the session after it. */
  during: SetOptions;
  after: SetOptions;
}

/** What the sessions of an endpoint share. */
export interface SessionContext {
  certificate: Certificate;
  faults: FaultScript;
  recognise(text: string): Recognised | undefined;
  server: ServerKind;
  login: LoginCheck;
  postgresUrl: string;
  control: Pool;
  received: Received[];
}

const tlsHandshakeByte = 0x16;

/** One connection of a client, from PRELOGIN to the end. */
export class Session {
  readonly id: number;
  readonly #socket: Socket;
  readonly #context: SessionContext;
  readonly #postgres: PostgresSession;
  readonly #executor: Executor;
  readonly #reader = new MessageReader();
  #stream: Duplex;
  #secured = false;
  #loginToCome: Login7 | undefined;
  #queue: Promise<void> = Promise.resolve();
  #dead = false;
  #inTransaction = false;
  #cancelled: (() => void) | undefined;
  #packetSize: number | undefined;
  /** Resolves when its PostgreSQL session has ended. */
  readonly ended: Promise<void>;
  #end: () => void = () => undefined;

  constructor(socket: Socket, id: number, context: SessionContext) {
    this.id = id;
    this.#socket = socket;
    this.#stream = socket;
    this.#context = context;
    this.#postgres = new PostgresSession(context.postgresUrl, context.control);
    this.#executor = new Executor(this.#postgres, context.server, id);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => void (this.#dead || this.#closed()));
    const fault = context.faults.take('connect');
    if (fault?.kind === 'reset') socket.resetAndDestroy();
    else if (fault) this.#dead = true;
    else socket.once('data', (first) => this.#begin(first));
  }

  /** What a server does when it notices, in the end, that nobody is there any more; also an administrator's KILL. */
  async kill(): Promise<void> {
    this.#dead = false;
    this.#socket.resetAndDestroy();
    await this.#closed();
  }

  #begin(first: Buffer): void {
    if (first[0] === tlsHandshakeByte) {
      this.#listen(strictTls(this.#socket, first, this.#context.certificate));
      return;
    }
    const [message] = this.#reader.push(first);
    if (message?.type !== packetType.prelogin) return void this.#socket.destroy();
    const prelogin = readPrelogin(message.payload);
    this.#send(preloginAnswer(prelogin));
    this.#listen(prelogin.encrypt ? tlsInPrelogin(this.#socket, this.#context.certificate) : this.#socket);
  }

  #listen(stream: Duplex): void {
    this.#stream = stream;
    this.#secured = stream !== this.#socket;
    stream.on('error', () => this.#socket.destroy());
    stream.on('data', (chunk: Buffer) => {
      if (this.#dead) return;
      for (const message of this.#reader.push(chunk)) {
        if (message.type === packetType.attention) this.#attention();
        else this.#queue = this.#queue.then(() => this.#handle(message)).catch(() => void this.#socket.destroy());
      }
    });
  }

  async #handle({ type, payload, ignored }: Message): Promise<void> {
    if (ignored) return this.#send(tokens.doneBatch(tokens.doneStatus.error));
    switch (type) {
      // TDS 8: the PRELOGIN comes within TLS, and has nothing left to agree on.
      case packetType.prelogin:
        return this.#send(preloginAnswer({ ...readPrelogin(payload), encrypt: this.#secured }));
      case packetType.login7:
        return this.#login(readLogin7(payload), undefined);
      case packetType.fedAuthToken:
        if (this.#loginToCome) return this.#login(this.#loginToCome, readFederatedToken(payload));
        break;
      case packetType.sqlBatch:
        return this.#statement(readBatch(payload));
      case packetType.rpc:
        return this.#statement(readCall(payload));
      case packetType.transaction:
        return this.#transaction(readTransactionStep(payload));
      default:
    }
    throw new Error(`a packet of type ${type} out of turn`);
  }

  #login(login: Login7, token: string | undefined): void {
    this.#loginToCome = login.federated?.kind === 'later' && token === undefined ? login : undefined;
    // The client asks for its token first: a fault of the login strikes when that is in.
    const fault = this.#loginToCome ? undefined : this.#context.faults.take('login');
    const scripted = fault?.kind === 'error' ? [fault.error, ...(fault.further ? [fault.further] : [])] : [];
    const { payload, accepted } = answerLogin(login, token, this.#context.login, scripted);
    if (fault && scripted.length === 0) this.#strike(fault, payload);
    else this.#send(payload);
    if (!accepted) this.#stream.end();
  }

  /** PostgreSQL's own transaction. */
  async #transaction(step: TransactionStep): Promise<void> {
    this.#inTransaction = step === 'begin';
    const fault = this.#context.faults.take(step);
    if (!(fault?.kind === 'reset' && fault.when === 'before')) await this.#postgres.query(step, {}, 0);
    const answer = Buffer.concat([tokens.transactionChange(step), tokens.doneBatch(tokens.doneStatus.final)]);
    if (fault) this.#strike(fault, answer);
    else this.#send(answer);
  }

  async #statement(request: StatementRequest): Promise<void> {
    const recognised = this.#context.recognise(request.text);
    const fault = recognised && this.#context.faults.take(recognised.name);
    const during = this.#executor.optionsDuring(request);
    const cancelled = new Promise<'cancelled'>((resolve) => {
      this.#cancelled = () => resolve('cancelled');
    });
    const answer = await Promise.race([cancelled, this.#answer(request, recognised, fault)]);
    this.#cancelled = undefined;
    this.#context.received.push({
      session: this.id,
      name: recognised?.name,
      inProcedure: request.inProcedure,
      during,
      after: this.#executor.options,
    });
    if (answer === 'cancelled') {
      // The cancelled request ends in a message of its own; the attention's acknowledgement is another.
      this.#send(tokens.doneBatch(tokens.doneStatus.error));
      this.#send(tokens.doneBatch(tokens.doneStatus.attention));
    } else if (fault) this.#strike(fault, answer);
    else this.#send(answer);
  }

  async #answer(request: StatementRequest, recognised: Recognised | undefined, fault?: Fault): Promise<Buffer> {
    if (fault?.kind === 'hang') return new Promise(() => undefined);
    if (fault?.kind === 'error') {
      if (fault.after) await this.#executor.run(request, recognised);
      return this.#failed(new SqlError(fault.error), request);
    }
    if (fault?.kind === 'blackHole' || (fault?.kind === 'reset' && fault.when === 'before')) return Buffer.alloc(0);
    try {
      return await this.#executor.run(request, recognised);
    } catch (error) {
      if (error instanceof SqlError) return this.#failed(error, request);
      throw error;
    }
  }

  /** A statement that fails ends the transaction, as with XACT_ABORT. */
  async #failed(error: SqlError, { inProcedure }: StatementRequest): Promise<Buffer> {
    if (!this.#inTransaction) return failureTokens(error, inProcedure);
    this.#inTransaction = false;
    await this.#postgres.query('rollback', {}, 0);
    return Buffer.concat([tokens.transactionChange('rollback'), failureTokens(error, inProcedure)]);
  }

  #attention(): void {
    if (!this.#cancelled) this.#send(tokens.doneBatch(tokens.doneStatus.attention));
    this.#cancelled?.();
    void this.#postgres.cancel().catch(() => undefined);
  }

  #strike(fault: Fault, answer: Buffer): void {
    switch (fault.kind) {
      case 'blackHole':
        this.#dead = true;
        return;
      case 'oneBytePackets':
        // Header and one byte: 9.
        this.#packetSize = 9;
        this.#send(answer);
        this.#packetSize = undefined;
        return;
      case 'reset':
        if (fault.when === 'middle') this.#send(answer, 0.5);
        setTimeout(() => this.#socket.resetAndDestroy(), fault.when === 'middle' ? 50 : 0);
        return;
      default:
        this.#send(answer);
    }
  }

  #send(payload: Buffer, share = 1): void {
    if (this.#dead || this.#stream.destroyed) return;
    const packets = packetsOf(packetType.response, payload, this.#packetSize);
    if (this.#packetSize !== undefined) for (const packet of packets) this.#stream.write(packet);
    else {
      const bytes = Buffer.concat(packets);
      this.#stream.write(bytes.subarray(0, Math.ceil(bytes.length * share)));
    }
  }

  async #closed(): Promise<void> {
    this.#cancelled?.();
    await this.#postgres.end();
    this.#end();
  }
}
