import { isIPv6 } from 'node:net';
import { isHost } from '../connectionStrings/hostName.ts';
import {
  clientKeywords,
  isRunTogether,
  ownName,
  readValue,
  unknownKeyword,
  wrongValue,
} from '../connectionStrings/keywords.ts';
import { Secret } from '../secret.ts';
import {
  defaultsOf,
  invalid,
  type RedisConnection,
  type RedisOptions,
  type RedisText,
  sharedHost,
  tokenOf,
  unique,
} from './redisConnection.ts';
import { parseRedisUrl } from './redisUrl.ts';

const defaultConnectTimeoutMs = 5_000;

/** Options of StackExchange.Redis that are followed; those that are neither here nor below steer the app's own client alone. */
export const followed: readonly string[] = [
  'user',
  'password',
  'ssl',
  'sslHost',
  'defaultDatabase',
  'connectTimeout',
  'abortConnect',
  'syncTimeout',
  'defaults',
  'serviceName',
];
/** Options that change where or how a client connects, and that are not followed: a value that matters is told. */
export const notFollowed: Readonly<Record<string, (value: string) => boolean>> = {
  proxy: (value) => value !== 'None',
  sentinelUser: () => true,
  sentinelPassword: () => true,
  tunnel: () => true,
};

/**
 * Reads a connection string as the .NET side writes it for StackExchange.Redis
 * (`host:port,host:port,password=…,ssl=True,abortConnect=False`; option names in any case), or a `redis://` or
 * `rediss://` URL.
 * @throws MaintenanceError `connection_string_invalid`; its text never holds the string
 */
export function parseConnectionString(text: string, options: RedisOptions = {}): RedisConnection {
  const said = /^rediss?:\/\//i.test(text.trim()) ? parseRedisUrl(text.trim()) : fromOptions(text);
  return { ...said, token: tokenOf(said, options), ca: options.ca };
}

function fromOptions(text: string): RedisText {
  const { hosts, options, remarks } = split(text);
  if (hosts.length === 0) throw invalid('it names no server (`host:port`)');
  const of = (option: string) => options.get(option)?.toString() || undefined;
  const defaults = defaultsOf(hosts, of('defaults'));
  const tls = of('ssl') === undefined ? defaults.tls : of('ssl') === 'true';
  const port = options.has('serviceName') ? 26_379 : tls ? 6380 : 6379;
  const password = of('password');
  const database = Number(of('defaultDatabase') ?? 0);
  // -1 is the client's own word for the default.
  if (database < -1) throw invalid('`defaultDatabase` is not the number of a database');
  return {
    endpoints: unique(hosts.map((each) => ({ host: each.host, port: each.port ?? port }))),
    user: of('user'),
    password: password ? new Secret(password) : undefined,
    tls,
    tlsHost: of('sslHost'),
    sharedHost: sharedHost(hosts.map(({ host }) => host)),
    serviceName: of('serviceName'),
    database: Math.max(0, database),
    // Nothing unattended may wait without end.
    connectTimeoutMs: Math.max(0, Number(of('connectTimeout') ?? 0)) || longestWait(of('syncTimeout')),
    abortConnect: of('abortConnect') === undefined ? defaults.abortConnect : of('abortConnect') === 'true',
    remarks,
  };
}

/** The client's own default. */
function longestWait(syncTimeout: string | undefined): number {
  return Math.max(defaultConnectTimeoutMs, Number(syncTimeout ?? 0));
}

interface Parts {
  hosts: { host: string; port: number | undefined }[];
  options: Map<string, string | number>;
  remarks: string[];
}

/** An option after `password` may be the rest of a password with a comma in it: nothing is told of it but its place. */
function split(text: string): Parts {
  const parts: Parts = { hosts: [], options: new Map(), remarks: [] };
  let before: string | undefined;
  for (const part of text.split(',').map((each) => each.trim())) {
    const [, name = '', value = ''] = /^([^=]+?)\s*=\s*(.*)$/s.exec(part) ?? [];
    if (part === '') continue;
    if (name === '') parts.hosts.push(endpoint(part, before));
    else if (name.startsWith('$')) parts.remarks.push('a command is mapped (`$…`), which is not followed');
    else before = readOption(parts, name, value, before);
  }
  // Sentinels share a port that nobody writes.
  const withPorts = !parts.options.has('serviceName') && parts.hosts.some(({ port }) => port !== undefined);
  if (withPorts && parts.hosts.some(({ host, port }) => port === undefined && /^(?!localhost$)[^.:]+$/i.test(host)))
    throw invalid(
      'a word without a port stands beside `host:port`, where the client takes it for a host: a password needs `password=` before it, a host its port',
    );
  return parts;
}

function readOption({ options, remarks }: Parts, name: string, value: string, before: string | undefined): string {
  const client = 'stackExchangeRedis';
  const own = ownName(client, name);
  const keyword = own === undefined ? undefined : clientKeywords[client][own];
  if (own === undefined || !keyword) throw invalid(`${unknownKeyword(client, name, before)}${commaHint(before)}`);
  const read = readValue(keyword, value);
  if (read === undefined && !(value === '' && keyword.empty)) throw invalid(wrongValue(own, keyword));
  if (isRunTogether(own, value))
    throw invalid(`the value of \`${own}\` holds what looks like another option: a comma is missing in it`);
  options.set(own, read ?? '');
  if (value !== '' && notFollowed[own]?.(String(read))) remarks.push(`\`${own}\` is not followed`);
  return own;
}

function commaHint(before: string | undefined): string {
  return before === 'password' ? ' (a password cannot hold a comma here)' : '';
}

function endpoint(text: string, before: string | undefined) {
  const found = /^(?:\[([0-9a-f:.]+)\]|([^:]+)|([0-9a-f:.]+::?[0-9a-f:.]*))(?::(\d{1,5}))?$/i.exec(text);
  const host = found?.[1] ?? found?.[2] ?? found?.[3];
  const port = found?.[4] === undefined ? undefined : Number(found[4]);
  const isPort = port === undefined || port <= 65_535;
  if (!host || !isHost(host) || (host.includes(':') && !isIPv6(host)) || !isPort)
    throw invalid(
      `${before ? `what stands after \`${before}\`` : 'what it begins with'} is neither \`host:port\` nor \`option=value\`${commaHint(before)}`,
    );
  if (before === 'password' && port === undefined)
    throw invalid(`what stands after \`password\` is not an option${commaHint(before)}`);
  return { host, port: port || undefined };
}
