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
  // .NET reads `:` and `__` alike, in any case of letters, and a connection string of the app's own list first.
  const names = new Map(Object.keys(env).map((name) => [name.replaceAll(':', '__').toLowerCase(), name]));
  const given = (name: string) => {
    const ways = [`ConnectionStrings__${name}`, name].map((each) => names.get(each.toLowerCase()));
    return ways.map((each) => each && env[each]).find((value) => value);
  };
  const of = (name: string) => given(`${prefix}__${name}`);
  const text = given(prefix) ?? env[`CUSTOMCONNSTR_${prefix}`] ?? of('connectionString');
  if (text) return { connectionString: new Secret(connectionStringOf(text, service)) };
  const [account, address] = [of('accountName')?.toLowerCase(), of(`${service}ServiceUri`)];
  if (address) return { endpoint: addressOf(`${prefix}__${service}ServiceUri`, address), identity: identity(of) };
  if (!account) return undefined;
  if (!/^[a-z0-9]{3,24}$/.test(account))
    throw new UnusableSetting(
      `${prefix}__accountName`,
      'must be the name of a storage account (3 to 24 of a-z and 0-9), without its domain',
    );
  const suffix = of('endpointSuffix') ?? 'core.windows.net';
  if (!isHost(suffix))
    throw new UnusableSetting(`${prefix}__endpointSuffix`, 'must be the domain of the cloud, such as core.windows.net');
  return { endpoint: `https://${account}.${service}.${suffix}`, identity: identity(of) };
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
 * What a connection string says of one service, in the form that the SDK for JavaScript takes. It is read as .NET's reads it
 * (StorageConnectionString of Azure.Storage.Common), which fills in more and takes less.
 */
function connectionStringOf(text: string, service: Service): string {
  const wrong = (message: string) =>
    new UnusableSetting(
      prefix,
      `${message}. It is written DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net`,
    );
  const pairs = text
    .split(';')
    .filter((part) => part.trim() !== '')
    .map((part): [string, string] => {
      const [name = '', ...value] = part.split('=');
      return [name.toLowerCase(), value.join('=')];
    });
  const fields = new Map(pairs);
  if (fields.size === 0 || pairs.some(([name]) => !names.has(name)))
    throw wrong('is not a connection string of a storage account');
  const twice = pairs.find(([name], index) => pairs.findIndex(([other]) => other === name) < index);
  if (twice) throw wrong(`names ${names.get(twice[0])} twice`);
  const empty = pairs.find(([, value]) => value === '');
  if (empty) throw wrong(`has no value for ${names.get(empty[0])}`);
  const of = (name: string) => fields.get(name.toLowerCase());
  if (of('UseDevelopmentStorage')) {
    if (!/^true$/i.test(of('UseDevelopmentStorage') ?? '') || fields.size > 1)
      throw wrong(
        'may say UseDevelopmentStorage=true, with nothing beside it: another host of the emulator is named by its endpoints',
      );
    return 'UseDevelopmentStorage=true';
  }
  const [account, key, signature] = [of('AccountName'), of('AccountKey'), of('SharedAccessSignature')];
  if (signature ? key : !(account && key))
    throw wrong('must have AccountName and AccountKey, or else a SharedAccessSignature');
  if (key && !isBase64(key)) throw wrong('has an AccountKey that is not Base64');
  const own = `${service[0]?.toUpperCase()}${service.slice(1)}Endpoint`;
  const secondary = own.replace('E', 'SecondaryE');
  if (of(secondary) && !of(own)) throw wrong(`has a ${secondary} without a ${own}`);
  const [protocol, suffix] = [of('DefaultEndpointsProtocol') ?? 'https', of('EndpointSuffix') ?? 'core.windows.net'];
  const endpoint = of(own) ?? (account && `${protocol}://${account}.${service}.${suffix}`);
  if (!endpoint) throw wrong(`names neither an AccountName nor a ${own}`);
  const url = URL.parse(endpoint);
  if (url?.username || url?.password || url?.search) throw wrong(`has a ${own} with a login or a SAS in it`);
  if (!/^https?:$/.test(url?.protocol ?? '') || !isHost(url?.hostname.replace(/^\[|\]$/g, '') ?? ''))
    throw wrong(
      `has ${of(own) ? `a ${own} that is` : 'an AccountName, DefaultEndpointsProtocol or EndpointSuffix whose address is'} not of the form https://…`,
    );
  const login = signature
    ? { SharedAccessSignature: signature }
    : { DefaultEndpointsProtocol: protocol, AccountName: account, AccountKey: key };
  return Object.entries({ [own]: endpoint, ...login })
    .map((pair) => pair.join('='))
    .join(';');
}

const isBase64 = (text: string) => text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);

/** Names in a connection string of a storage account, as .NET's client spells them, by the same in small letters. */
const names = new Map(
  [
    ...['DefaultEndpointsProtocol', 'AccountName', 'AccountKey', 'AccountKeyName', 'EndpointSuffix'],
    ...['SharedAccessSignature', 'BlobEndpoint', 'QueueEndpoint', 'TableEndpoint', 'FileEndpoint'],
    ...['BlobSecondaryEndpoint', 'QueueSecondaryEndpoint', 'TableSecondaryEndpoint', 'FileSecondaryEndpoint'],
    ...['UseDevelopmentStorage', 'DevelopmentStorageProxyUri'],
  ].map((name) => [name.toLowerCase(), name]),
);
