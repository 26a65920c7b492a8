import { isIPv6 } from 'node:net';
import { Secret } from '../secret.ts';
import {
  invalid,
  isAzureHost,
  type RedisConnection,
  type RedisOptions,
  type RedisText,
  sharedHost,
  tokenOf,
  usesTlsByDefault,
} from './redisConnection.ts';
import { parseRedisUrl } from './redisUrl.ts';

const defaultConnectTimeoutMs = 5_000;

/**
 * Options of StackExchange.Redis that steer the app's own client and change nothing for a watch
 * (ConfigurationOptions.cs of StackExchange.Redis).
 */
const clientOptions = new Set(
  'allowadmin,asynctimeout,channelprefix,checkcertificaterevocation,configchannel,configcheckseconds,connectretry,heartbeatconsistencychecks,heartbeatinterval,highintegrity,highprioritythreads,keepalive,libname,name,preserveasyncorder,protocol,resolvedns,responsetimeout,setlib,sslprotocols,synctimeout,tiebreaker,version,writebuffer'.split(
    ',',
  ),
);
/** Known options that change where or how a client connects, and that the watch does not follow. */
const notFollowed = new Set(['proxy', 'tunnel']);

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
  const ssl = options.get('ssl');
  const tls = ssl === undefined ? hosts.some(usesTlsByDefault) : flag('ssl', ssl);
  const abort = options.get('abortconnect');
  const password = options.get('password');
  const serviceName = options.get('servicename') || undefined;
  const defaultPort = serviceName !== undefined ? 26_379 : tls ? 6380 : 6379;
  return {
    endpoints: hosts.map(({ host, port }) => ({ host, port: port ?? defaultPort })),
    user: options.get('user') || undefined,
    password: password ? new Secret(password) : undefined,
    tls,
    tlsHost: options.get('sslhost') || undefined,
    sharedHost: sharedHost(hosts.map(({ host }) => host)),
    serviceName,
    database: wholeNumber('defaultDatabase', options.get('defaultdatabase'), 0),
    connectTimeoutMs:
      wholeNumber('connectTimeout', options.get('connecttimeout'), defaultConnectTimeoutMs) || defaultConnectTimeoutMs,
    // The client's own default: it goes on trying on Azure, and gives up elsewhere (AzureOptionsProvider.cs).
    abortConnect: abort === undefined ? !hosts.every(({ host }) => isAzureHost(host)) : flag('abortConnect', abort),
    remarks,
  };
}

interface Parts {
  hosts: { host: string; port: number | undefined }[];
  options: Map<string, string>;
  remarks: string[];
}

/** An option after `password` may be the rest of a password with a comma in it: it is told by its place, not its name. */
function split(text: string): Parts {
  const known = new Set([
    'user',
    'password',
    'ssl',
    'sslhost',
    'defaultdatabase',
    'connecttimeout',
    'abortconnect',
    'servicename',
  ]);
  const parts: Parts = { hosts: [], options: new Map(), remarks: [] };
  let afterPassword = false;
  for (const [index, part] of text.split(',').entries()) {
    const option = /^\s*([^=]*?)\s*=(.*)$/s.exec(part);
    const key = option?.[1]?.toLowerCase() ?? '';
    if (!option) {
      if (part.trim() !== '') parts.hosts.push(endpoint(part.trim(), index, afterPassword));
      continue;
    }
    if (known.has(key)) parts.options.set(key, option[2]?.trim() ?? '');
    else if (notFollowed.has(key)) parts.remarks.push(`option \`${option[1]}\` is not followed by the watch`);
    else if (!clientOptions.has(key)) parts.remarks.push(describeUnknown(option[1] ?? '', index, afterPassword));
    if (known.has(key) || clientOptions.has(key)) afterPassword = key === 'password';
  }
  return parts;
}

function describeUnknown(name: string, index: number, afterPassword: boolean): string {
  const place = `no. ${index + 1}`;
  if (afterPassword)
    return `part ${place}, after the password, is not a known option (a password cannot hold a comma here)`;
  if (name.startsWith('$')) return `part ${place} maps a command (\`$…\`), which the watch does not follow`;
  return /^[A-Za-z][\w-]{0,39}$/.test(name) ? `option \`${name}\` is not known` : `part ${place} is not a known option`;
}

function endpoint(text: string, index: number, afterPassword: boolean) {
  const found = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)|([0-9a-f:.]+::?[0-9a-f:.]*))(?::(\d{1,5}))?$/i.exec(text);
  const host = found?.[1] ?? found?.[2] ?? found?.[3];
  const port = found?.[4] === undefined ? undefined : Number(found[4]);
  if (!host || (host.includes(':') && !isIPv6(host)) || (port !== undefined && (port < 1 || port > 65_535)))
    throw invalid(`its part no. ${index + 1} is neither \`host:port\` nor \`option=value\``);
  if (afterPassword && port === undefined)
    throw invalid(
      `its part no. ${index + 1}, after the password, is not an option (a password cannot hold a comma here)`,
    );
  return { host, port };
}

/** As StackExchange.Redis reads them (Format.cs). */
function flag(name: string, text: string): boolean {
  if (/^(true|yes|on|1)$/i.test(text)) return true;
  if (/^(false|no|off|0)$/i.test(text)) return false;
  throw invalid(`\`${name}\` must be true or false`);
}

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined || text === '' || text === '-1') return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw invalid(`\`${name}\` must be a whole number`);
  return Number(text);
}
