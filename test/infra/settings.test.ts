/** docs/settings.md, the reader of settings and the app settings in Bicep, held against each other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings, settingNames } from '../../src/lib/settings/settings.ts';
import { bicepMissing, restoreBicep } from '../support/bicep.ts';
import { root } from '../support/childProcess.ts';
import { appSettingsOf, type Snapshot } from '../support/snapshots.ts';
import { everySnapshot } from '../support/variants.ts';

/** Settings of the Functions host and of libraries, that the program does not read itself. */
const ofTheHost = [
  'AzureWebJobsStorage__credential',
  'AzureWebJobsStorage__clientId',
  'AzureWebJobsStorage__accountName',
  'AzureWebJobsStorage__blobServiceUri',
  'AzureWebJobsStorage__queueServiceUri',
  'AzureWebJobsStorage__tableServiceUri',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  'AZURE_CLIENT_ID',
];

const program = bicepMissing() === undefined ? restoreBicep() : undefined;
const deployed: [string, Record<string, string>, Snapshot][] = [...everySnapshot(program)].map(
  ([name, snapshot]: [string, Snapshot]) => [name, appSettingsOf(snapshot), snapshot],
);
const document = readFileSync(join(root, 'docs/settings.md'), 'utf8');

/** Settings that hold what another setting names. */
const named = (settings: Record<string, string>) =>
  [...`${settings.TOKEN_CACHES ?? ''}${settings.KEY_RINGS ?? ''}`.matchAll(/"connectionStringSetting":"(\w+)"/g)].map(
    ([, name]) => name ?? '',
  );

/** Names in an absence rule; none where there is no such rule. */
function expectedToBeHeardOf({ predictedResources }: Snapshot, job: string): string[] {
  const rule = predictedResources.find(({ name }) => name.endsWith(`-${job}-absent`));
  const [, names = '[]'] =
    /dynamic\((\[.*?\])\)/.exec(JSON.stringify(rule?.properties ?? '').replaceAll('\\"', '"')) ?? [];
  return JSON.parse(names) as string[];
}

describe.each(deployed)('the app settings of %s', (_, settings, snapshot) => {
  it('are those that the program and the host know, each explained', () => {
    for (const name of Object.keys(settings)) {
      if (ofTheHost.includes(name) || named(settings).includes(name)) continue;
      expect([...settingNames, 'TOKEN_CACHES', 'KEY_RINGS'], name).toContain(name);
      expect(document, name).toContain(`\`${name}\``);
    }
    for (const name of [...ofTheHost, ...named(settings)]) expect(settings, name).toHaveProperty([name]);
  });

  it('are read without a problem: what is not there has its default', () => {
    const read = readSettings(settings, 'table');
    expect(read.problems).toEqual([]);
    expect(read.recordStore).toMatchObject({
      kind: 'table',
      address: { endpoint: expect.stringContaining('.table.core.windows.net') },
    });
    const caches = [...read.sqlCaches, ...read.redisCaches];
    expect(caches).toHaveLength(named(settings).length);
    expect(caches.length + read.rings.length).toBeGreaterThan(0);
  });

  it('name the caches and rings whose silence is an alert', () => {
    const { sqlCaches, redisCaches, rings } = readSettings(settings, 'table');
    const subjects = { purge: sqlCaches, watch: redisCaches, rotation: rings };
    for (const [job, expected] of Object.entries(subjects)) {
      const names = expected.map(({ name }) => name);
      expect(expectedToBeHeardOf(snapshot, job), job).toEqual(expect.arrayContaining(names));
      expect(expectedToBeHeardOf(snapshot, job).length > 0, job).toBe(names.length > 0);
    }
  });

  it('hold no secret', () => {
    for (const [name, value] of Object.entries(settings))
      expect(value, name).not.toMatch(/password|accountkey|sharedaccess|sig=|secret/i);
  });
});

describe('the absence rules', () => {
  it('expect to hear of caches that the parameter `alerts` names as well', () => {
    const changed = deployed.find(([name]) => name === 'public')?.[2];
    if (changed) expect(expectedToBeHeardOf(changed, 'purge')).toEqual(['web', 'postgres', 'legacy']);
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

  it('can be set by the parameter `settings`', () => {
    const changed = deployed.find(([name]) => name === 'public')?.[1];
    if (!changed) return;
    expect(changed).toMatchObject({
      PURGE_GRACE: 'PT5M',
      SCHEDULE_PURGE: '0 */15 * * * *',
      SCHEDULE_COUNTS: '0 5 * * * *',
    });
    expect(readSettings(changed, 'table').schedules.purge).toBe('0 */15 * * * *');
  });
});
