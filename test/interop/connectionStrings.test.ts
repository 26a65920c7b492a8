/**
 * The connection strings that the .NET clients take, held against the clients themselves: the same verdict and the same
 * meaning, or a refusal that docs/reference/settings.md gives the reason of.
 */
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type GivenValues, readKeywords } from '../../src/lib/connectionStrings/adoNet.ts';
import { type ClientName, clientKeywords } from '../../src/lib/connectionStrings/keywords.ts';
import { MaintenanceError } from '../../src/lib/errors.ts';
import { parseConnectionString as parseRedis } from '../../src/lib/redis/connectionString.ts';
import { unique } from '../../src/lib/redis/redisConnection.ts';
import { parseConnectionString as parsePostgres } from '../../src/lib/sql/postgres/connectionString.ts';
import { parseConnectionString as parseSqlServer } from '../../src/lib/sql/sqlserver/connectionString.ts';
import { root } from '../support/childProcess.ts';
import { buildClients, type ClientAnswer, type Clients, keywordFile } from '../support/clients.ts';
import { connectionString } from '../support/connectionStrings.ts';
import { dotnetFound, dotnetTimeLimitMs } from '../support/dotnet.ts';

const stringsOfEach = 2_000;
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** What this tool refuses and the client takes, each with its reason; docs/reference/settings.md lists them. */
const documented: Record<ClientName, RegExp[]> = {
  npgsql: [
    /neither a name nor an address/,
    /names no host/,
    /`Port` is not a port number/,
    /the file of `[\w ]+` cannot be read/,
    /libpq's form/,
    /looks like another keyword/,
  ],
  sqlClient: [
    /names no server/,
    /`Server` must be/,
    /only TCP can be used/,
    /Windows authentication/,
    /has no `User ID` and `Password`/,
    /nobody to sign in/,
    /a service principal needs/,
    /looks like another keyword/,
  ],
  stackExchangeRedis: [
    /names no server/,
    /neither `host:port` nor `option=value`/,
    /after `password` is not an option/,
    /not the number of a database/,
    /a word without a port stands beside/,
    /looks like another option/,
  ],
};

let clients: Clients;

interface Reading {
  refused?: string;
  meaning?: unknown;
}

function read(parse: () => unknown): Reading {
  try {
    return { meaning: parse() };
  } catch (error) {
    if (error instanceof MaintenanceError) return { refused: error.message };
    throw error;
  }
}

/** Strings on which both agree are counted; the first on which they do not is shown. */
function agreeOn(client: ClientName, ours: (text: string) => unknown, theirs: (answer: ClientAnswer) => unknown) {
  const texts = fc.sample(connectionString(client), { numRuns: stringsOfEach, seed });
  const answers = clients.ask(texts.map((text) => ({ client, text })));
  const taken = texts.filter((text, index) => {
    const answer = answers[index] ?? {};
    const own = read(() => ours(text));
    const context = `${JSON.stringify(text)} (seed ${seed})`;
    if (answer.refused !== undefined)
      expect(own.refused, `${context}: the client refuses it: ${answer.refused}`).toBeDefined();
    else if (own.refused !== undefined && documented[client].some((reason) => reason.test(own.refused ?? '')))
      return false;
    else expect(own, context).toEqual({ meaning: theirs(answer) });
    return answer.refused === undefined;
  });
  console.log(`${client}: ${texts.length} strings, ${taken.length} of them taken by both (seed ${seed})`);
  // A generator that makes nothing but nonsense would prove nothing.
  expect(taken.length).toBeGreaterThan(stringsOfEach / 5);
}

const refuse = (reason: string) => new MaintenanceError('connection_string_invalid', reason, '');

/** The value of each keyword: what was given, else the default that the client itself has. */
function withDefaults(client: ClientName, given: GivenValues, defaults: ClientAnswer): Record<string, string> {
  return Object.fromEntries(
    Object.keys(clientKeywords[client]).map((name) => [name, told(given.get(name)) || told(defaults.values?.[name])]),
  );
}

const told = (value: unknown) => (value === null || value === undefined ? '' : String(value));
/** An empty text between quotes says no more than the default, as that of an application's name. */
const valuesOf = (client: ClientName, { values = {} }: ClientAnswer, defaults: ClientAnswer) =>
  Object.fromEntries(
    Object.keys(clientKeywords[client]).map((name) => [name, told(values[name]) || told(defaults.values?.[name])]),
  );
/** What a TLS mode comes to, where the server is not Azure's. */
const encrypts = (tls: { checked: boolean; direct?: boolean } | undefined) => tls && [tls.checked, tls.direct ?? false];

describe.skipIf(!dotnetFound)('connection strings of the .NET clients', () => {
  beforeAll(() => {
    clients = buildClients();
  }, dotnetTimeLimitMs);

  it('have the keywords that the clients have in their present versions', () => {
    const text = readFileSync(join(root, 'src/lib/connectionStrings/clientKeywords.json'), 'utf8');
    expect(text, 'is stale: node scripts/clientKeywords.ts').toBe(keywordFile(clients));
  });

  it('mean to PostgreSQL what Npgsql makes of them', () => {
    const [defaults = {}] = clients.ask([{ client: 'npgsql', text: 'Host=h' }]);
    agreeOn(
      'npgsql',
      (text) => {
        const { hosts, database, user, password, tls, tries } = parsePostgres(text);
        const given = new Map(readKeywords('npgsql', text, refuse));
        // The client takes a single host apart that stands with its port.
        if (hosts.length === 1 && /:\d+$/.test(told(given.get('Host'))) && !isIPv6(told(given.get('Host')))) {
          given.set('Host', told(given.get('Host')).replace(/:\d+$/, ''));
          given.set('Port', hosts[0]?.port ?? 0);
        }
        const values = withDefaults('npgsql', given, defaults);
        return { values, hosts, database, user, password: password?.reveal(), tls: encrypts(tls), tries };
      },
      (answer) => {
        const { values = {}, hosts = [] } = answer;
        const [mode, direct] = [told(values['SSL Mode']), values['SSL Negotiation'] === 'Direct'];
        return {
          values: valuesOf('npgsql', answer, defaults),
          hosts: hosts.map(({ host = '', port }) => ({ host: host.replace(/^\[(.*)\]$/, '$1'), port })),
          database: told(values.Database) || told(values.Username) || undefined,
          user: told(values.Username) || undefined,
          password: told(values.Password) || undefined,
          tls: /^(Require|Verify)/.test(mode) ? [mode !== 'Require', direct] : undefined,
          tries: mode === 'Prefer' ? 'tlsFirst' : mode === 'Allow' ? 'tlsLast' : undefined,
        };
      },
    );
  });

  it('mean to SQL Server what SqlClient makes of them', () => {
    const [defaults = {}] = clients.ask([{ client: 'sqlClient', text: 'Server=s' }]);
    agreeOn(
      'sqlClient',
      (text) => {
        const { host, port, instance, database, tls, multiSubnetFailover, login } = parseSqlServer(text, 'tenant');
        const values = withDefaults('sqlClient', readKeywords('sqlClient', text, refuse, ['tenant id']), defaults);
        return {
          values,
          host: host.toLowerCase(),
          port,
          instance: instance?.toLowerCase(),
          database,
          tls: encrypts(tls),
          multiSubnetFailover,
          login: login.kind,
        };
      },
      (answer) => {
        const { values = {}, server } = answer;
        const { host = '', instance } = server ?? {};
        const named = server?.browser ? (instance ?? undefined) : undefined;
        const port = server && server.port > 0 ? server.port : 1433;
        return {
          values: valuesOf('sqlClient', answer, defaults),
          host: host.replace(/^\[(.*)\]$/, '$1').toLowerCase(),
          port: named === undefined ? port : undefined,
          instance: named?.toLowerCase(),
          database: told(values['Initial Catalog']) || undefined,
          tls:
            values.Encrypt === 'False'
              ? undefined
              : [
                  values.Encrypt === 'Strict' || values['Trust Server Certificate'] !== true,
                  values.Encrypt === 'Strict',
                ],
          multiSubnetFailover: values['Multi Subnet Failover'],
          login: logins[told(values.Authentication)] ?? 'sql',
        };
      },
    );
  });

  it('mean to Redis what StackExchange.Redis makes of them', () => {
    agreeOn(
      'stackExchangeRedis',
      (text) => {
        const { endpoints, user, password, tls, tlsHost, database, connectTimeoutMs, abortConnect } = parseRedis(text);
        return {
          endpoints,
          user,
          password: password?.reveal(),
          tls,
          tlsHost,
          database,
          connectTimeoutMs,
          abortConnect,
        };
      },
      ({ values = {}, hosts = [] }) => ({
        endpoints: unique(hosts.map(({ host = '', port = 0 }) => ({ host, port }))),
        user: told(values.user) || undefined,
        password: told(values.password) || undefined,
        tls: values.ssl,
        tlsHost: told(values.sslHost) || undefined,
        database: Math.max(0, Number(values.defaultDatabase ?? 0)),
        connectTimeoutMs: Math.max(0, Number(values.connectTimeout)) || Math.max(5_000, Number(values.syncTimeout)),
        abortConnect: values.abortConnect,
      }),
    );
  });
});

const logins: Record<string, string> = {
  ActiveDirectoryManagedIdentity: 'managedIdentity',
  ActiveDirectoryMSI: 'managedIdentity',
  ActiveDirectoryDefault: 'default',
  ActiveDirectoryWorkloadIdentity: 'workloadIdentity',
  ActiveDirectoryServicePrincipal: 'servicePrincipal',
};
