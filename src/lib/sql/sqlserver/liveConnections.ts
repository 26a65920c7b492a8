interface LoginError {
  number: number;
  message: string;
}

/** The part of a tedious connection that is needed here; mssql hands it out before it connects (`beforeConnect`). */
interface DriverConnection {
  on(event: 'errorMessage', listener: (message: LoginError) => void): unknown;
  once(event: 'end' | 'connect', listener: (error?: Error) => void): unknown;
  off(event: 'errorMessage', listener: (message: LoginError) => void): unknown;
  close(): void;
}

/**
 * The driver's connections that are open or being opened. The pool alone can neither end one that is in use or connecting,
 * nor tell that one was lost, nor the numbers of the errors that a login ended with.
 */
export class LiveConnections {
  readonly #open = new Set<DriverConnection>();
  #loginErrors: LoginError[] = [];

  add(connection: unknown, onEnd: (() => void) | undefined): void {
    const added = connection as DriverConnection;
    const errors: LoginError[] = [];
    const collect = ({ number, message }: LoginError) => {
      errors.push({ number, message });
      this.#loginErrors = errors;
    };
    this.#open.add(added);
    added.on('errorMessage', collect);
    added.once('connect', () => added.off('errorMessage', collect));
    added.once('end', () => {
      this.#open.delete(added);
      onEnd?.();
    });
  }

  /**
   * The error of a login, with the number of the server's first error: the driver keeps the text of the last, which for a
   * database that cannot be opened (4060) is only that the login failed (18456).
   */
  withLoginErrors(error: unknown): unknown {
    if (!(error instanceof Error) || (error as { code?: unknown }).code !== 'ELOGIN') return error;
    const [first] = this.#loginErrors;
    if (!first || !this.#loginErrors.some(({ message }) => message === error.message)) return error;
    const message = [...new Set(this.#loginErrors.map((each) => each.message))].join(' ');
    return Object.assign(new Error(message), { code: 'ELOGIN', number: first.number });
  }

  close(): void {
    for (const connection of this.#open) connection.close();
  }
}
