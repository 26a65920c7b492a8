import { isIP, isIPv6, SocketAddress } from 'node:net';
import { identityOf, type TokenNeed } from '../azure/credentials.ts';
import { MaintenanceError } from '../errors.ts';
import type { Secret } from '../secret.ts';

export interface Endpoint {
  host: string;
  port: number;
}

/** What a connection string says: where the servers are, how to log in, and what a reader should know about it. */
export interface RedisConnection {
  endpoints: Endpoint[];
  user: string | undefined;
  password: Secret | undefined;
  /** Undefined: it logs in by the password, or not at all where there is none. */
  token: TokenNeed | undefined;
  /** Certificates of authorities to trust beside the public ones, in PEM. */
  ca: string | undefined;
  tls: boolean;
  /** The name that the certificate must have, where it is not the endpoint's. */
  tlsHost: string | undefined;
  /** The name that all endpoints share: that of the certificate of cluster nodes which are known by address alone. */
  sharedHost: string | undefined;
  /** The primary that the endpoints, Sentinels then, are asked for. */
  serviceName: string | undefined;
  /** The logical database of the cache. */
  database: number;
  connectTimeoutMs: number;
  /** Whether the app gives up where its first connect fails; undefined for a URL, which does not say it. */
  abortConnect: boolean | undefined;
  /** Options that this reader does not know or does not follow, in words for a reader; never a value. */
  remarks: string[];
}

/** What stands in the connection string itself. */
export type RedisText = Omit<RedisConnection, 'token' | 'ca'>;

export interface RedisOptions {
  /** `auto`: by Entra where the host is Azure's and the connection string has no password. */
  authentication?: 'auto' | 'password' | 'entra';
  ca?: string | undefined;
}

/** The token that a login needs ("Use Microsoft Entra ID for cache authentication", of Azure Managed Redis too). */
export function tokenOf(
  { endpoints, password }: RedisText,
  { authentication = 'auto' }: RedisOptions,
): TokenNeed | undefined {
  const byEntra = password === undefined && endpoints.every(({ host }) => isAzureHost(host));
  if (authentication === 'password' || (authentication === 'auto' && !byEntra)) return undefined;
  return { scope: 'https://redis.azure.com/.default', identity: identityOf() };
}

/** @returns the error of a connection string that cannot be used; `reason` must hold no part of it */
export function invalid(reason: string): MaintenanceError {
  return new MaintenanceError(
    'connection_string_invalid',
    `The Redis connection string cannot be used: ${reason}.`,
    'Write it as `name.redis.cache.windows.net:6380,password=…,ssl=True,abortConnect=False`, or as `rediss://:password@host:6380`.',
  );
}

/** The same for each spelling of a host. */
export function endpointName({ host, port }: Endpoint): string {
  if (!isIPv6(host)) return `${host.toLowerCase()}:${port}`;
  // A zone (`%eth0`) would be left out.
  const address = host.includes('%') ? host : new SocketAddress({ address: host, family: 'ipv6' }).address;
  return `[${address}]:${port}`;
}

/** Each endpoint once, however it is spelled. */
export function unique(endpoints: readonly Endpoint[]): Endpoint[] {
  return [...new Map(endpoints.map((endpoint) => [endpointName(endpoint), endpoint])).values()];
}

/** As StackExchange.Redis finds the name for TLS where no `sslHost` is given (GetSslHostFromEndpoints). */
export function sharedHost(hosts: readonly string[]): string | undefined {
  const [first] = hosts;
  return first !== undefined && !isIP(first) && hosts.every((host) => host === first) ? first : undefined;
}

/** Domains of Redis services whose defaults StackExchange.Redis knows, in the order in which it looks (its options providers). */
const domains = {
  azure: [
    '.redis.cache.windows.net',
    '.redis.cache.chinacloudapi.cn',
    '.redis.cache.usgovcloudapi.net',
    '.redis.cache.sovcloud-api.de',
    '.redis.cache.sovcloud-api.fr',
  ],
  amr: [
    '.redis.azure.net',
    '.redis.chinacloudapi.cn',
    '.redis.usgovcloudapi.net',
    '.redis.sovcloud-api.de',
    '.redis.sovcloud-api.fr',
    '.redisenterprise.cache.azure.net',
  ],
  rediscloud: ['.cloud.redislabs.com', '.cloud.redis.io', '.redislabs.com'],
};

export function isAzureHost(host: string): boolean {
  return endsIn(host, [...domains.azure, ...domains.amr]);
}

/**
 * What StackExchange.Redis does where the string does not say it: whether it encrypts, and gives up where its first connect
 * fails.
 * @param service that `defaults=` names
 */
export function defaultsOf(
  hosts: readonly { host: string; port: number | undefined }[],
  service: string | undefined,
): { tls: boolean; abortConnect: boolean } {
  const found =
    service ?? Object.entries(domains).find(([, ends]) => hosts.some(({ host }) => endsIn(host, ends)))?.[0];
  const tls = found === 'amr' || (found === 'azure' && hosts.some(({ port }) => port === 6380));
  return { tls, abortConnect: found === undefined || found === 'enterprise' };
}

function endsIn(host: string, ends: readonly string[]): boolean {
  return ends.some((end) => host.toLowerCase().endsWith(end));
}
