import type { AccessToken } from '@azure/identity';
import type { Clock } from '../clock.ts';
import { Secret } from '../secret.ts';
import type { Login } from './line/ioredisLine.ts';
import { UnreachableError } from './unreachable.ts';

/** A token with less time left is renewed: a connection must not outlive its token, or the server closes it. */
const renewBeforeMs = 5 * 60_000;

/**
 * Logs in with an Entra token as the password, and the identity's object id as the user, as Azure's Redis services ask.
 * Keeps the token, and renews it before it expires; all connections that need one at once share the request.
 */
export class EntraLogin {
  readonly #fetch: () => Promise<AccessToken>;
  readonly #clock: Clock;
  readonly #user: string | undefined;
  #token: AccessToken | undefined;
  #renewal: Promise<AccessToken> | undefined;

  /** @param user the object id; read from the token if undefined */
  constructor(fetch: () => Promise<AccessToken>, clock: Clock, user: string | undefined) {
    this.#fetch = fetch;
    this.#clock = clock;
    this.#user = user;
  }

  /** @throws UnreachableError where there is no token, or it names no object id */
  login = async (): Promise<Login> => {
    const { token } = await this.#current();
    const user = this.#user ?? objectId(token);
    if (!user) throw new UnreachableError('authentication', 'The Entra token names no object id to log in with.');
    return { user, password: new Secret(token) };
  };

  async #current(): Promise<AccessToken> {
    if (this.#left() > renewBeforeMs && this.#token) return this.#token;
    this.#renewal ??= this.#fetch().finally(() => {
      this.#renewal = undefined;
    });
    try {
      this.#token = await this.#renewal;
      return this.#token;
    } catch {
      // Its text may hold ids and addresses. A token that is still valid serves until the next attempt.
      if (this.#left() > 0 && this.#token) return this.#token;
      throw new UnreachableError('authentication', 'No Entra token could be had for Redis.');
    }
  }

  #left(): number {
    return (this.#token?.expiresOnTimestamp ?? 0) - this.#clock.now().getTime();
  }
}

/** The claim `oid` of a token. The server checks the signature; here it only says who we are. */
function objectId(token: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const oid = (claims as { oid?: unknown } | null)?.oid;
    return typeof oid === 'string' ? oid : undefined;
  } catch {
    return undefined;
  }
}
