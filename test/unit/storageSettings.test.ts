/** The storage account of the function app, by the settings that the Functions host takes, through the real SDK. */
import { describe, expect, it } from 'vitest';
import { openRecordStore } from '../../src/lib/app/recordStores.ts';
import { openContainer, openQueue, openTable } from '../../src/lib/azure/storage.ts';
import { describeProblem } from '../../src/lib/settings/problems.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { storageAddress } from '../../src/lib/settings/storageSettings.ts';

const cache = { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Password=p' };
const key = 'AccountName=contoso;AccountKey=QUJD';

async function urls(env: Record<string, string>): Promise<string[]> {
  const of = (service: 'table' | 'queue' | 'blob') => {
    const address = storageAddress(service, env);
    if (!address) throw new Error(`no address of ${service}`);
    return address;
  };
  const [table, queue, blob] = await Promise.all([
    openTable(of('table'), 'x'),
    openQueue(of('queue'), 'x'),
    openContainer(of('blob'), 'x'),
  ]);
  return [table.url, queue.url, blob.url].map((url) => url.replace(/\/x$/, '').replace(/\/$/, ''));
}
const contoso = ['table', 'queue', 'blob'].map((service) => `https://contoso.${service}.core.windows.net`);

describe('the storage account of the function app', () => {
  it.each([
    [{ AzureWebJobsStorage: `DefaultEndpointsProtocol=https;${key};EndpointSuffix=core.windows.net` }],
    [{ AzureWebJobsStorage: `DefaultEndpointsProtocol=https;${key}` }],
    [{ AzureWebJobsStorage: `${key};` }],
    [{ AzureWebJobsStorage: `accountname=contoso;accountkey=QUJD;` }],
    [{ ConnectionStrings__AzureWebJobsStorage: key }],
    [{ AzureWebJobsStorage__accountName: 'contoso' }],
    [{ AzureWebJobsStorage__accountName: 'contoso', AzureWebJobsStorage__credential: 'managedidentity' }],
    [{ 'AzureWebJobsStorage:accountName': 'contoso' }],
    [
      {
        AzureWebJobsStorage__tableServiceUri: 'https://contoso.table.core.windows.net',
        AzureWebJobsStorage__queueServiceUri: 'https://contoso.queue.core.windows.net/',
        AzureWebJobsStorage__blobServiceUri: 'https://contoso.blob.core.windows.net',
      },
    ],
  ])('is found by %j', async (env) => {
    expect(await urls(env)).toEqual(contoso);
    expect(readSettings({ ...cache, ...env }, 'table').problems).toEqual([]);
  });

  it('is asked as the identity that the settings name', () => {
    const of = (more: Record<string, string>) =>
      storageAddress('table', { AzureWebJobsStorage__accountName: 'contoso', ...more });
    expect(of({})).toMatchObject({ identity: { kind: 'default' } });
    expect(of({ AzureWebJobsStorage__clientId: 'x' })).toMatchObject({ identity: { clientId: 'x' } });
    expect(of({ AzureWebJobsStorage__credential: 'managedidentity' })).toMatchObject({
      identity: { kind: 'managedIdentity', clientId: undefined },
    });
    expect(of({ AzureWebJobsStorage__credential: 'workloadidentity' })).toMatchObject({
      identity: { kind: 'workloadIdentity' },
    });
  });

  it.each([
    [
      { AzureWebJobsStorage__tableServiceUri: 'contoso.table.core.windows.net' },
      'AzureWebJobsStorage__tableServiceUri has no https:// before contoso.table.core.windows.net.',
    ],
    [
      { AzureWebJobsStorage: '@Microsoft.KeyVault(SecretUri=https://v/x)' },
      'AzureWebJobsStorage is a reference to Key Vault',
    ],
    [{ AzureWebJobsStorage: 'c4nary' }, 'AzureWebJobsStorage is not a connection string'],
    [
      { AzureWebJobsStorage: 'AccountName=contoso;AccountKey=c4nary!' },
      'AzureWebJobsStorage has an AccountKey that is not Base64',
    ],
    [{ AzureWebJobsStorage: 'AccountName=contoso' }, 'AzureWebJobsStorage must have AccountName and AccountKey'],
    [{ AzureWebJobsStorage__accountName: 'contoso.blob.core.windows.net' }, 'AzureWebJobsStorage__accountName must be'],
    [
      { AzureWebJobsStorage__accountName: 'contoso', AzureWebJobsStorage__credential: 'certificate' },
      'AzureWebJobsStorage__credential must be',
    ],
    [
      { AzureWebJobsStorage__tableServiceUri: 'https://u:c4nary@contoso' },
      'AzureWebJobsStorage__tableServiceUri must be',
    ],
    [{ AzureWebJobsStorage__tableServiceUri: 'https://a/?sig=c4nary' }, 'AzureWebJobsStorage__tableServiceUri must be'],
  ])('is told by the setting that is wrong, stops no run and shows no secret: %j', async (env, told) => {
    const { problems, recordStore } = readSettings({ ...cache, ...env }, 'table');
    expect(problems).toMatchObject([{ jobs: [], runsGoOn: true }]);
    expect(problems.map(describeProblem)[0]).toContain(told);
    expect(problems.map(describeProblem)[0]).not.toContain('c4nary');
    await expect(openRecordStore(recordStore).readState('x')).rejects.toThrow(/record store cannot be reached/);
  });
});
