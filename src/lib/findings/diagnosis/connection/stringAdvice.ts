import { isIP } from 'node:net';
import { isAzureHost, type RedisConnection } from '../../../redis/redisConnection.ts';
import type { SqlEngine } from '../../../sql/cacheTable.ts';
import type { SqlConnection } from '../../../sql/sqlConnection.ts';
import type { ConnectionAdvice } from './connectionChecks.ts';

/** What a connection string should say otherwise. Pure: nothing is connected to, and no value is repeated. */

export const sqlAdvice: Record<SqlEngine, (connection: SqlConnection) => ConnectionAdvice[]> = {
  sqlserver: ({ host, tls, pool }) => [
    ...when(!tls && !loopback(host), {
      cause: 'not_encrypted',
      grave: true,
      what: '`Encrypt=False` sends tokens over the network in clear text.',
      advice: 'Set `Encrypt=True` (or `Strict`) in the connection string of every app.',
    }),
    ...when(tls?.checked === false && !loopback(host), {
      cause: 'certificate_not_checked',
      grave: false,
      what: '`TrustServerCertificate=True` takes any certificate: anybody on the way can read the tokens.',
      advice: 'Leave it out, and use a certificate that the clients trust.',
    }),
    ...poolAdvice(pool, 'Max Pool Size'),
  ],
  postgres: ({ host, tls, pool }) => [
    ...when(!tls && !loopback(host), {
      cause: 'not_encrypted',
      grave: true,
      what: 'The connection is not encrypted: tokens go over the network in clear text.',
      advice: 'Set `SSL Mode=VerifyFull` (or `Require`) in the connection string of every app.',
    }),
    ...poolAdvice(pool, 'Maximum Pool Size'),
  ],
};

export function redisAdvice({ endpoints, tls, abortConnect }: RedisConnection): ConnectionAdvice[] {
  const remote = endpoints.filter(({ host }) => !loopback(host));
  const onTlsPort =
    endpoints.some(({ port }) => port === 6380 || port === 10_000) || remote.some(({ host }) => isAzureHost(host));
  return [
    ...when(!tls && onTlsPort, {
      cause: 'tls_port_without_ssl',
      grave: true,
      what: 'The port is one for TLS, and the connection string does not say `ssl=True`.',
      advice: 'Add `ssl=True` to the connection string.',
    }),
    ...when(!tls && !onTlsPort && remote.some(({ host }) => !isPrivate(host)), {
      cause: 'not_encrypted',
      grave: false,
      what: 'The connection is not encrypted: tokens go over the network in clear text.',
      advice: 'Switch TLS on at the server, and set `ssl=True`.',
    }),
    ...when(abortConnect === true, {
      cause: 'abort_connect',
      grave: false,
      what: 'The connection string does not say `abortConnect=False`: an app that starts while Redis is away gives up for good.',
      advice: 'Add `abortConnect=False` to the connection string.',
    }),
  ];
}

function poolAdvice({ on, size }: SqlConnection['pool'], keyword: string): ConnectionAdvice[] {
  return [
    ...when(!on, {
      cause: 'pooling_off',
      grave: false,
      what: '`Pooling=False` opens a connection for each read of the cache.',
      advice: 'Leave pooling on: a login costs more than the read.',
    }),
    ...when(on && size !== undefined && size > 0 && size < 10, {
      cause: 'pool_too_small',
      grave: false,
      what: 'The connection pool has less than 10 connections: at the hour when everybody signs in, requests wait for one.',
      advice: `Leave \`${keyword}\` at its default of 100.`,
    }),
  ];
}

const when = (applies: boolean, advice: ConnectionAdvice) => (applies ? [advice] : []);

const loopback = (host: string) => /^(localhost|127\.[\d.]+|::1)$/i.test(host);

/** A network of one's own: whether it may go without TLS is its owner's affair. */
function isPrivate(host: string): boolean {
  return isIP(host) === 4 && /^(10|192\.168|172\.(1[6-9]|2\d|3[01]))\./.test(host);
}
