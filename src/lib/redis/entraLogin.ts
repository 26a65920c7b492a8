import type { AccessToken } from '@azure/identity';
import type { Clock } from '../clock.ts';
import { Secret } from '../secret.ts';
import type { Login } from './line/ioredisLine.ts';
import { UnreachableError } from './unreachable.ts';

/** A token with less time left is renewed: a connection must not outlive its token, or the server closes it. */
const renewBeforeMs = 5 * 60_000;

/**
 * Logs in with an Entra token as the password, and the identity's object id as the user, as Azure's Redis services ask.
 * Keeps the token, and renews it before it expires; all connections that need one at once share the request. The login
 * rejects with an `UnreachableError` where there is no token, or it names no object id.
 * @param user the object id; read from the token if undefined
 */
export function entraLogin(
  fetch: () => Promise<AccessToken>,
  clock: Clock,
  user: string | undefined,
): () => Promise<Login> {
  let kept: AccessToken | undefined;
  let renewal: Promise<AccessToken> | undefined;
  const left = () => (kept?.expiresOnTimestamp ?? 0) - clock.now().getTime();
  const current = async () => {
    if (kept && left() > renewBeforeMs) return kept;
    renewal ??= fetch().finally(() => {
      renewal = undefined;
    });
    try {
      kept = await renewal;
      return kept;
    } catch {
      // Its text may hold ids and addresses. A token that is still valid serves until the next attempt.
      if (kept && left() > 0) return kept;
      throw new UnreachableError('authentication', 'No Entra token could be had for Redis.');
    }
  };
  return async () => {
    const { token } = await current();
    const name = user ?? objectId(token);
    if (!name) throw new UnreachableError('authentication', 'The Entra token names no object id to log in with.');
    return { user: name, password: new Secret(token) };
  };
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
