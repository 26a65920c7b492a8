/** The settings of the host's storage account, held against the host's own providers of storage clients. */
import { beforeAll, describe, expect, it } from 'vitest';
import { openContainer, openQueue } from '../../src/lib/azure/storage.ts';
import { givenSettings } from '../../src/lib/settings/environment.ts';
import { UnusableSetting } from '../../src/lib/settings/problems.ts';
import { storageAddress } from '../../src/lib/settings/storageSettings.ts';
import { buildClients, type ClientAnswer } from '../support/clients.ts';
import { dotnetFound, dotnetTimeLimitMs } from '../support/dotnet.ts';

const key = 'AccountKey=QUJD';
const account = `AccountName=contoso;${key}`;
const sas = 'SharedAccessSignature=sv=2024-11-04&sig=QUJD';
const strings = [
  account,
  `${account};`,
  `;${account}`,
  `${account};;`,
  ` ${account} `,
  `accountname=contoso;ACCOUNTKEY=QUJD`,
  `AccountName = contoso ; AccountKey = QUJD`,
  `DefaultEndpointsProtocol=http;${account}`,
  `DefaultEndpointsProtocol=HTTPS;${account}`,
  `DefaultEndpointsProtocol=ftp;${account}`,
  `DefaultEndpointsProtocol=;${account}`,
  `EndpointSuffix=core.chinacloudapi.cn;${account}`,
  `${account};EndpointSuffix=`,
  `${account};BlobEndpoint=https://blobs.contoso.com`,
  `${account};BlobEndpoint=https://blobs.contoso.com/;QueueEndpoint=https://queues.contoso.com/`,
  `BlobEndpoint=https://contoso.blob.core.windows.net/;QueueEndpoint=https://contoso.queue.core.windows.net/;${sas}`,
  `BlobEndpoint=https://contoso.blob.core.windows.net;${sas}`,
  `AccountName=contoso;${sas}`,
  sas,
  `${account};${sas}`,
  'UseDevelopmentStorage=true',
  'usedevelopmentstorage=TRUE',
  'UseDevelopmentStorage=true;',
  'UseDevelopmentStorage=false',
  `UseDevelopmentStorage=true;${account}`,
  'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://127.0.0.1',
  'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://host.docker.internal/',
  `${account};AccountName=other`,
  `${account};Nonsense=1`,
  'AccountName=contoso',
  key,
  'contoso',
  '=',
  'AccountName=;AccountKey=',
  'AccountName=contoso;AccountKey=not base64!',
  'AccountName=contoso;AccountKey=QUJ',
  'AccountName=contoso;AccountKey=QUI=',
  `AccountName=Contoso;${key}`,
  `AccountName=con toso;${key}`,
  `AccountName=a_b;${key}`,
  `${account};TableEndpoint=https://tables.contoso.com`,
  `${account};BlobEndpoint=blobs.contoso.com`,
  `${account};BlobEndpoint=http://127.0.0.1:10000/contoso;QueueEndpoint=http://127.0.0.1:10001/contoso`,
  `${account};BlobSecondaryEndpoint=https://contoso-secondary.blob.core.windows.net`,
  `BlobSecondaryEndpoint=https://x.blob.core.windows.net;${sas}`,
  `AccountKeyName=key1;${account}`,
  `https://contoso.blob.core.windows.net`,
  'DefaultEndpointsProtocol=https',
  '',
  `"${account}"`,
];
const sections: Record<string, string>[] = [
  { accountName: 'contoso' },
  { accountname: 'contoso' },
  { accountName: 'Contoso' },
  { accountName: 'co' },
  { accountName: 'contoso.blob.core.windows.net' },
  { blobServiceUri: 'https://contoso.blob.core.windows.net' },
  {
    blobServiceUri: 'https://contoso.blob.core.windows.net',
    queueServiceUri: 'https://contoso.queue.core.windows.net/',
  },
  { serviceUri: 'https://contoso.blob.core.windows.net' },
  { endpoint: 'https://contoso.blob.core.windows.net' },
  { accountName: 'contoso', blobServiceUri: 'https://other.blob.core.windows.net' },
  { accountName: 'contoso', credential: 'managedidentity' },
  { accountName: 'contoso', credential: 'managedidentity', clientId: 'c' },
  { accountName: 'contoso', credential: 'ManagedIdentity', clientId: 'c' },
  { accountName: 'contoso', credential: 'workloadidentity' },
  { accountName: 'contoso', credential: 'managed identity' },
  { accountName: 'contoso', credential: 'azurecli' },
  { accountName: 'contoso', credential: 'managedidentity', managedIdentityResourceId: '/subscriptions/1' },
  { accountName: 'contoso', credential: 'managedidentity', managedIdentityObjectId: 'o' },
  { accountName: 'contoso', clientId: 'c', tenantId: 't', clientSecret: 's' },
  { accountName: 'contoso', clientId: 'c', tenantId: 't' },
  { blobServiceUri: 'contoso.blob.core.windows.net', queueServiceUri: 'https://contoso.queue.core.windows.net' },
  { accountName: 'contoso', endpointSuffix: 'core.chinacloudapi.cn' },
  { connectionString: account },
  { credential: 'managedidentity' },
];
const prefix = 'AzureWebJobsStorage';
const settings: Record<string, string>[] = [
  ...strings.map((text) => ({ [prefix]: text })),
  ...sections.map((section) =>
    Object.fromEntries(Object.entries(section).map(([name, value]) => [`${prefix}__${name}`, value])),
  ),
  { [`ConnectionStrings__${prefix}`]: account },
  { [`ConnectionStrings__${prefix}__accountName`]: 'contoso' },
  { [prefix]: account, [`${prefix}__accountName`]: 'other' },
  { Storage: account },
  { [prefix]: account, [`ConnectionStrings__${prefix}`]: account.replace('contoso', 'first') },
  { ConnectionStrings__Storage: account },
];

const contoso = { blob: 'https://contoso.blob.core.windows.net/', queue: 'https://contoso.queue.core.windows.net/' };
/** What is taken though the host refuses it, and the other way round. */
const differences: [given: Record<string, string>, is: 'refused' | typeof contoso][] = [
  // Blanks and quotes around a value are left out, with a warning.
  [{ [prefix]: ` ${account} ` }, contoso],
  [{ [prefix]: `"${account}"` }, contoso],
  // Names that no account has.
  [{ [`${prefix}__accountName`]: 'co' }, 'refused'],
  [{ [`${prefix}__accountName`]: 'contoso.blob.core.windows.net' }, 'refused'],
  // One address for all services is none for the other two.
  [{ [`${prefix}__serviceUri`]: 'https://contoso.blob.core.windows.net' }, 'refused'],
  // The host takes no notice of a credential that it does not know.
  ...['managed identity', 'azurecli'].map((credential): [Record<string, string>, 'refused'] => [
    { [`${prefix}__accountName`]: 'contoso', [`${prefix}__credential`]: credential },
    'refused',
  ]),
  // The emulator, elsewhere than on this machine.
  ...['http://127.0.0.1', 'http://host.docker.internal/'].map((uri): [Record<string, string>, 'refused'] => [
    { [prefix]: `UseDevelopmentStorage=true;DevelopmentStorageProxyUri=${uri}` },
    'refused',
  ]),
  // The setting's name without its prefix.
  [{ Storage: account }, 'refused'],
  [{ ConnectionStrings__Storage: account }, 'refused'],
];

describe.skipIf(!dotnetFound)('storage settings', () => {
  let answers: ClientAnswer[];
  beforeAll(() => {
    answers = buildClients().ask(settings.map((each) => ({ client: 'storage', settings: each })));
  }, dotnetTimeLimitMs);

  it('are taken as the host takes them, or refused with a reason that docs/reference/settings.md has', async () => {
    for (const [index, each] of settings.entries()) {
      const { blob, queue, refused } = answers[index] ?? {};
      const host = refused === undefined ? { blob, queue } : 'refused';
      const known = differences.find(([given]) => JSON.stringify(given) === JSON.stringify(each))?.[1];
      expect.soft({ each, is: await ownAnswer(each) }).toEqual({ each, is: known ?? host });
    }
  });
});

async function ownAnswer(settings: Record<string, string>) {
  try {
    const { env } = givenSettings(settings, () => false);
    const [blob, queue] = [storageAddress('blob', env), storageAddress('queue', env)];
    if (!blob || !queue) return 'refused';
    return { blob: bare((await openContainer(blob, 'x')).url), queue: bare((await openQueue(queue, 'x')).url) };
  } catch (error) {
    // What a credential of Entra lacks is known where it is made.
    if (error instanceof UnusableSetting || (error as Error).name === 'CredentialUnavailableError') return 'refused';
    throw error;
  }
}
const bare = (url: string) => new URL(url.replace(/\/x(?=$|\?)/, '')).href;
