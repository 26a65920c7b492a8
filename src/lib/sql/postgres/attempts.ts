import type { ClientConfig } from 'pg';
import { codeOf } from '../../sockets.ts';
import type { PostgresConnection, PostgresHost } from './connectionString.ts';

/** A host, and whether it is asked for TLS. */
export interface Attempt extends PostgresHost {
  ssl: NonNullable<ClientConfig['ssl']>;
}

/** A host that is a standby, which takes no writes. */
export class NotPrimary extends Error {
  readonly code = '25006';

  constructor() {
    super('none of the hosts is the primary');
  }
}

/** The ways to connect, in Npgsql's order: each host, and where TLS is preferred or only allowed, with it and without. */
export function attemptsOf({ hosts, tls, tries, certificate }: PostgresConnection): Attempt[] {
  const unchecked = { rejectUnauthorized: false };
  const checked = tls && {
    rejectUnauthorized: tls.checked,
    ...(tls.ca && { ca: tls.ca }),
    ...(tls.anyName && { checkServerIdentity: () => undefined }),
  };
  const own = certificate && { cert: certificate.cert, key: certificate.key.reveal() };
  const ways = {
    tlsFirst: [{ ...unchecked, ...own }, false],
    tlsLast: [false, { ...unchecked, ...own }],
    asGiven: [checked ? { ...checked, ...own } : false],
  };
  return hosts.flatMap((host) => ways[tries ?? 'asGiven'].map((ssl) => ({ ...host, ssl })));
}

/** The driver's word where the server answers N, and the server's own where its pg_hba.conf asks for TLS. */
const otherWay = /does not support SSL|no encryption|SSL off/i;

/** Whether a failure says more than that of another way: why a host could not be reached, before that another is a standby. */
export function tellsMore(error: unknown, than: unknown): boolean {
  const weight = (each: unknown) =>
    each instanceof NotPrimary ? 1 : each instanceof Error && !otherWay.test(each.message) ? 2 : 0;
  return weight(error) >= weight(than);
}

/** Whether the next way may do better than this one, that failed. */
export function isRefusal(error: unknown, { hosts, tries }: PostgresConnection): boolean {
  const { message = '' } = error as Error;
  if (tries && otherWay.test(message)) return true;
  if (hosts.length === 1) return false;
  return (
    error instanceof NotPrimary ||
    /^(E[A-Z_]+|57P0[123]|53300)$/.test(codeOf(error)) ||
    /timeout|terminated/i.test(message)
  );
}
