import type { ServerError } from './tokens.ts';

/** What goes wrong in place of an answer. `before` and `after` refer to the statement's transaction: nothing done, or committed. */
export type Fault =
  /** A login may end with two errors. A statement has one: in place of running, or `after` its work was committed. */
  | { kind: 'error'; error: ServerError; further?: ServerError; after?: boolean }
  | { kind: 'reset'; when: 'before' | 'middle' | 'after' }
  /** The statement hangs; a cancel is answered. */
  | { kind: 'hang' }
  /** From now on nothing passes on this connection, in either direction, and no socket is closed. */
  | { kind: 'blackHole' }
  | { kind: 'oneBytePackets' };

/** Beside the statements: the TCP connection, and the login. */
export type Occasion = 'connect' | 'login' | (string & {});

interface Rule {
  occasion: Occasion;
  fault: Fault;
  skip: number;
  times: number;
}

/** An error in place of an answer. */
export const errorFault = (number: number, message = `Error ${number} of the test.`): Fault => ({
  kind: 'error',
  error: { number, message },
});

/** Says which call of which statement meets which fault. */
export class FaultScript {
  #rules: Rule[] = [];
  /** Occasions at which a fault struck, in order. */
  readonly struck: Occasion[] = [];

  /** The fault strikes `times` calls of the statement, after `skip` calls that pass; both counted from now. */
  on(occasion: Occasion, fault: Fault, { skip = 0, times = 1 } = {}): this {
    this.#rules.push({ occasion, fault, skip, times });
    return this;
  }

  /** For the call that is made now. */
  take(occasion: Occasion): Fault | undefined {
    let taken: Fault | undefined;
    for (const rule of this.#rules) {
      if (rule.occasion !== occasion || rule.times === 0) continue;
      if (rule.skip > 0) rule.skip -= 1;
      else if (!taken) {
        rule.times -= 1;
        taken = rule.fault;
        this.struck.push(occasion);
      }
    }
    return taken;
  }

  clear(): void {
    this.#rules = [];
  }
}
