import { type Identity, identityOf } from '../azure/credentials.ts';
import type { StorageAddress } from '../azure/storage.ts';
import { isHost } from '../connectionStrings/hostName.ts';
import { Secret } from '../secret.ts';
import type { Environment } from './environment.ts';
import { UnusableSetting } from './problems.ts';

const prefix = 'AzureWebJobsStorage';
type Service = 'blob' | 'queue' | 'table';

/**
 * How to reach a service of the function app's own storage account, by the settings that the Functions host itself uses:
 * AzureWebJobsStorage, or for identity-based connections AzureWebJobsStorage__accountName or the service's own address.
 * @throws UnusableSetting naming the one that is wrong
 */
export function storageAddress(service: Service, env: Environment): StorageAddress | undefined {
  // .NET reads `:` and `__` alike, and a connection string of the app's own list as well.
  const of = (name: string) => env[`${prefix}__${name}`] ?? env[`${prefix}:${name}`];
  const text = env[prefix] ?? env[`ConnectionStrings__${prefix}`] ?? env[`CUSTOMCONNSTR_${prefix}`];
  if (text) return { connectionString: new Secret(connectionStringOf(text)) };
  const [account, address] = [of('accountName'), of(`${service}ServiceUri`)];
  if (address) return { endpoint: addressOf(`${prefix}__${service}ServiceUri`, address), identity: identity(of) };
  if (!account) return undefined;
  if (!/^[a-z0-9]{3,24}$/.test(account))
    throw new UnusableSetting(
      `${prefix}__accountName`,
      'must be the name of a storage account (3 to 24 of a-z and 0-9), without its domain',
    );
  return { endpoint: `https://${account}.${service}.core.windows.net`, identity: identity(of) };
}

/** As Microsoft.Extensions.Azure makes a credential of such settings. */
function identity(of: (name: string) => string | undefined): Identity {
  const [kind = '', clientId, tenantId, secret] = [
    of('credential')?.toLowerCase(),
    of('clientId'),
    of('tenantId'),
    of('clientSecret'),
  ];
  if (kind === 'workloadidentity') return { kind: 'workloadIdentity', clientId };
  if (kind === 'managedidentity') return { kind: 'managedIdentity', clientId };
  if (kind !== '')
    throw new UnusableSetting(
      `${prefix}__credential`,
      'must be managedidentity or workloadidentity: others are not used',
    );
  if (tenantId && clientId && secret)
    return { kind: 'servicePrincipal', clientId, clientSecret: new Secret(secret), tenantId };
  return identityOf(clientId);
}

function addressOf(setting: string, text: string): string {
  const host = text.replace(/\/$/, '');
  if (!/^https?:/i.test(text))
    throw new UnusableSetting(setting, isHost(host) ? `has no https:// before ${host}` : 'must begin with https://');
  const url = URL.parse(text);
  if (!url || !isHost(url.hostname.replace(/^\[|\]$/g, '')) || url.username || url.search)
    throw new UnusableSetting(setting, 'must be the address of the service: https://ACCOUNT.table.core.windows.net');
  return text;
}

/**
 * A connection string of a storage account in the form that the SDK for JavaScript takes, which unlike .NET's asks for protocol
 * and suffix.
 */
function connectionStringOf(text: string): string {
  const pairs = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part): [string, string] => [
      part.slice(0, Math.max(0, part.indexOf('='))).toLowerCase(),
      part.slice(part.indexOf('=') + 1),
    ]);
  const fields = new Map(pairs);
  const wrong = (message: string) =>
    new UnusableSetting(
      prefix,
      `${message}. It is written DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net`,
    );
  const unknown = [...fields.keys()].find((name) => !names.has(name));
  if (unknown !== undefined || fields.size === 0) throw wrong('is not a connection string of a storage account');
  if (/^true$/i.test(fields.get('usedevelopmentstorage') ?? '')) return text;
  const [account, key, signature] = ['accountname', 'accountkey', 'sharedaccesssignature'].map((name) =>
    fields.get(name),
  );
  if (!signature && !(account && key))
    throw wrong('has neither AccountName and AccountKey, nor a SharedAccessSignature');
  if (key && !/^[A-Za-z0-9+/]+={0,2}$/.test(key)) throw wrong('has an AccountKey that is not Base64');
  fields.set('defaultendpointsprotocol', fields.get('defaultendpointsprotocol') || 'https');
  fields.set('endpointsuffix', fields.get('endpointsuffix') || 'core.windows.net');
  return [...fields].map(([name, value]) => `${names.get(name)}=${value}`).join(';');
}

/** Names in a connection string of a storage account, as the SDK spells them. */
const names = new Map(
  [
    ...['DefaultEndpointsProtocol', 'AccountName', 'AccountKey', 'EndpointSuffix', 'SharedAccessSignature'],
    ...['BlobEndpoint', 'QueueEndpoint', 'TableEndpoint', 'FileEndpoint', 'BlobSecondaryEndpoint'],
    ...['QueueSecondaryEndpoint', 'TableSecondaryEndpoint', 'FileSecondaryEndpoint'],
    ...['UseDevelopmentStorage', 'DevelopmentStorageProxyUri'],
  ].map((name) => [name.toLowerCase(), name]),
);
