import { isIP } from 'node:net';
import { isAzureHost } from '../../redisCache/azureHosts.ts';
import type { RedisConnection } from '../../redisCache/redisConnection.ts';
import type { ConnectionAdvice } from './connectionChecks.ts';

/** What a connection string should say otherwise. Pure: nothing is connected to, and no value is repeated. */

const loopback = (host: string) => /^(localhost|127\.[\d.]+|::1)$/i.test(host);

export function sqlServerAdvice(text: string, host: string): ConnectionAdvice[] {
  const says = (name: string, value: string) =>
    new RegExp(`(^|;)\\s*${name}\\s*=\\s*"?(${value})"?\\s*(;|$)`, 'i').test(text);
  return [
    ...(says('Encrypt', 'false|no|optional') && !loopback(host)
      ? [
          advice(
            'not_encrypted',
            true,
            '`Encrypt=False` sends tokens over the network in clear text.',
            'Set `Encrypt=True` (or `Strict`) in the connection string of every app.',
          ),
        ]
      : []),
    ...(says('Trust ?Server ?Certificate', 'true|yes') && !loopback(host)
      ? [
          advice(
            'certificate_not_checked',
            false,
            '`TrustServerCertificate=True` takes any certificate: anybody on the way can read the tokens.',
            'Leave it out, and use a certificate that the clients trust.',
          ),
        ]
      : []),
    ...poolingAdvice(says('Pooling', 'false|no'), says('Max(imum)? Pool Size', '[1-9]')),
  ];
}

export function postgresAdvice(text: string, host: string, tls: boolean): ConnectionAdvice[] {
  const says = (name: string, value: string) =>
    new RegExp(`(^|;)\\s*${name}\\s*=\\s*"?(${value})"?\\s*(;|$)`, 'i').test(text);
  return [
    ...(!tls && !loopback(host)
      ? [
          advice(
            'not_encrypted',
            true,
            'The connection is not encrypted: tokens go over the network in clear text.',
            'Set `SSL Mode=VerifyFull` (or `Require`) in the connection string of every app.',
          ),
        ]
      : []),
    ...poolingAdvice(says('Pooling', 'false'), says('(Maximum|Max) Pool Size', '[1-9]')),
  ];
}

export function redisAdvice({ endpoints, tls, abortConnect }: RedisConnection): ConnectionAdvice[] {
  const remote = endpoints.filter(({ host }) => !loopback(host));
  const tlsPort = endpoints.some(({ port }) => port === 6380 || port === 10_000);
  return [
    ...(!tls && (tlsPort || remote.some(({ host }) => isAzureHost(host)))
      ? [
          advice(
            'tls_port_without_ssl',
            true,
            'The port is one for TLS, and the connection string does not say `ssl=True`.',
            'Add `ssl=True` to the connection string.',
          ),
        ]
      : !tls && remote.some(({ host }) => !isPrivate(host))
        ? [
            advice(
              'not_encrypted',
              false,
              'The connection is not encrypted: tokens go over the network in clear text.',
              'Switch TLS on at the server, and set `ssl=True`.',
            ),
          ]
        : []),
    ...(abortConnect
      ? [
          advice(
            'abort_connect',
            false,
            'The connection string does not say `abortConnect=False`: an app that starts while Redis is away gives up for good.',
            'Add `abortConnect=False` to the connection string.',
          ),
        ]
      : []),
  ];
}

function poolingAdvice(off: boolean, tiny: boolean): ConnectionAdvice[] {
  return [
    ...(off
      ? [
          advice(
            'pooling_off',
            false,
            '`Pooling=False` opens a connection for each read of the cache.',
            'Leave pooling on: a login costs more than the read.',
          ),
        ]
      : []),
    ...(tiny && !off
      ? [
          advice(
            'pool_too_small',
            false,
            'The connection pool has less than 10 connections: at the hour when everybody signs in, requests wait for one.',
            'Leave the maximum pool size at its default of 100.',
          ),
        ]
      : []),
  ];
}

/** A network of one's own: whether it may go without TLS is its owner's affair. */
function isPrivate(host: string): boolean {
  return isIP(host) === 4 && /^(10|192\.168|172\.(1[6-9]|2\d|3[01]))\./.test(host);
}

function advice(cause: string, grave: boolean, what: string, remedy: string): ConnectionAdvice {
  return { cause, grave, what, advice: remedy };
}
