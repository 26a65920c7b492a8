import { isHost } from '../connectionStrings/hostName.ts';
import { Secret } from '../secret.ts';
import { invalid, type RedisText, sharedHost } from './redisConnection.ts';

/**
 * Reads `redis://user:password@host:port/database`, with `rediss` for TLS, as registered with IANA. Parameters after `?`
 * are each client's own: `remarks` says that there are some.
 * @throws MaintenanceError `connection_string_invalid`
 */
export function parseRedisUrl(text: string): RedisText {
  const url = URL.parse(text);
  // The parser's own error would hold the whole string, password and all.
  if (!url?.hostname) throw invalid('it is not a valid URL (special characters in a password must be percent-encoded)');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!isHost(host)) throw invalid('its host is neither a name nor an address');
  const tls = url.protocol === 'rediss:';
  const password = decode(url.password);
  const database = url.pathname.replace(/^\//, '') || url.searchParams.get('db') || '0';
  if (!/^\d{1,6}$/.test(database)) throw invalid('what follows the host must be the number of a database');
  const unknown = [...url.searchParams.keys()].some((name) => name !== 'db');
  return {
    endpoints: [{ host, port: url.port ? Number(url.port) : tls ? 6380 : 6379 }],
    user: decode(url.username) || undefined,
    password: password ? new Secret(password) : undefined,
    tls,
    tlsHost: undefined,
    serviceName: undefined,
    sharedHost: sharedHost([host]),
    database: Number(database),
    connectTimeoutMs: 5_000,
    abortConnect: undefined,
    // Not by its name: it may be a piece of a password.
    remarks: unknown ? ['a parameter of the URL is not known'] : [],
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('its user or password is not percent-encoded');
  }
}
