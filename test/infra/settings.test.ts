/** docs/reference/settings.md, the reader of settings and the app settings in Bicep, held against each other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyRingForms } from '../../src/lib/settings/keyRingEntry.ts';
import { readSettings, settingNames } from '../../src/lib/settings/settings.ts';
import { root } from '../support/childProcess.ts';
import { appSettingsOf, everySnapshot } from '../support/snapshots.ts';

/** Settings of the Functions host and of libraries, that the program does not read itself. */
const ofTheHost = [
  'AzureWebJobsStorage__credential',
  'AzureWebJobsStorage__clientId',
  'AzureWebJobsStorage__accountName',
  'AzureWebJobsStorage__blobServiceUri',
  'AzureWebJobsStorage__queueServiceUri',
  'AzureWebJobsStorage__tableServiceUri',
  'AZURE_CLIENT_ID',
];
/** Where there is an Application Insights. */
const ofTelemetry = ['APPLICATIONINSIGHTS_CONNECTION_STRING', 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING'];

const deployed: [string, Record<string, string>][] = everySnapshot().map(([name, snapshot]) => [
  name,
  appSettingsOf(snapshot),
]);
const document = readFileSync(join(root, 'docs/reference/settings.md'), 'utf8');

/** Settings that hold what another setting names. */
const named = (settings: Record<string, string>) =>
  [
    ...`${settings.TOKEN_CACHES ?? ''}${settings.KEY_RINGS ?? ''}`.matchAll(
      /"(?:connectionString|workspace)Setting":"(\w+)"/g,
    ),
  ].map(([, name]) => name ?? '');

describe.each(deployed)('the app settings of %s', (_, settings) => {
  it('are those that the program and the host know, each explained', () => {
    for (const name of Object.keys(settings)) {
      if ([...ofTheHost, ...ofTelemetry].includes(name) || named(settings).includes(name)) continue;
      expect([...settingNames, 'TOKEN_CACHES', 'KEY_RINGS'], name).toContain(name);
      expect(document, name).toContain(`\`${name}\``);
    }
    for (const name of [...ofTheHost, ...named(settings)]) expect(settings, name).toHaveProperty([name]);
  });

  it('stand in the table for other tools, or in the reference that it links to', () => {
    const text = readFileSync(join(root, 'docs/other-tools.md'), 'utf8');
    const table = text.slice(text.indexOf('## With Terraform'));
    expect(table).toContain('(reference/settings.md)');
    for (const name of Object.keys(settings))
      if (![...settingNames, ...named(settings)].some((known) => known === name))
        expect(table).toContain(`\`${name}\``);
  });

  it('are read without a problem: what is not there has its default', () => {
    const read = readSettings(settings, 'table');
    // Nothing is attached yet: the program itself says so.
    if (!('TOKEN_CACHES' in settings) && !('KEY_RINGS' in settings)) return expect(read.problems).toHaveLength(1);
    expect(read.problems).toEqual([]);
    expect(read.recordStore).toMatchObject({
      kind: 'table',
      address: { endpoint: expect.stringContaining('.table.core.windows.net') },
    });
    const caches = [...read.sqlCaches, ...read.redisCaches];
    const rings = read.rings.filter(({ store }) => store.kind !== 'blob');
    expect(caches.length + rings.length + read.webApps.length).toBe(named(settings).length);
    expect(caches.length + read.rings.length).toBeGreaterThan(0);
  });

  it('hold no secret', () => {
    for (const [name, value] of Object.entries(settings))
      expect(value, name).not.toMatch(/password|accountkey|sharedaccess|sig=|secret/i);
  });
});

describe('every kind of a key ring', () => {
  /** What no resource of Azure is: `settings` of the parameter file has the whole of KEY_RINGS for them. */
  const elsewhere = ['store: folder', 'protector: certificate'];

  it('can be attached, but for what is not a resource of Azure', () => {
    const rings = deployed.flatMap(
      ([, { KEY_RINGS }]) => JSON.parse(KEY_RINGS ?? '[]') as Record<string, { kind: string }>[],
    );
    const named = rings.flatMap((ring) => ['store', 'protector'].map((field) => `${field}: ${ring[field]?.kind}`));
    const kinds = keyRingForms().flatMap(({ kind }) => (kind.includes(': ') ? [kind] : []));
    expect(new Set([...named, ...elsewhere])).toEqual(new Set(kinds));
  });
});

describe('every setting of the program', () => {
  it('is in the Bicep, or has a default, in the reader and in the document', () => {
    const read = readSettings(
      { TOKEN_CACHE_CONNECTION_STRING: 'Host=localhost;Database=cache;Username=app;Password=test' },
      'table',
    );
    expect(read.problems).toEqual([]);
    for (const name of settingNames) expect(document, name).toContain(`\`${name}\``);
  });

  it('lets a serverless database pause: it is counted once an hour', () => {
    const serverless = deployed.filter(([, { SCHEDULE_COUNTS }]) => SCHEDULE_COUNTS === '0 5 * * * *');
    expect(serverless.map(([name]) => name)).toEqual(['tryoutEverything']);
  });

  it('can be set by the parameter `settings`', () => {
    const changed = deployed.find(([name]) => name === 'redisOnly')?.[1];
    expect(changed).toMatchObject({
      PURGE_GRACE: 'PT5M',
      SCHEDULE_PURGE: '0 */15 * * * *',
    });
    expect(readSettings(changed ?? {}, 'table').schedules.purge).toBe('0 */15 * * * *');
  });
});
