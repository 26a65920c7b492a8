import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bicep, ownFolder, snapshotScope } from './bicep.ts';
import { type Deployment, deployments, readSnapshot, type Snapshot } from './snapshots.ts';

/** Deployments with the choices that neither committed parameter file makes, so that every module is looked at. */
const variants: Record<string, Record<string, string>> = {
  private: {
    inbound: `{ denyByDefault: true, allowedAddresses: ['203.0.113.0/28'] }`,
    signIn: `{ clientId: '44444444-4444-4444-4444-444444444444' }`,
    network: `{ enabled: true }`,
    sql: `{ mode: 'existing', host: 'shared.database.windows.net', database: 'web', setupIdentity: { id: '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-shared/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-shared', principalId: '55555555-5555-5555-5555-555555555555' } }`,
    postgres: `{ mode: 'new', skuName: 'Standard_D2ds_v5', skuTier: 'GeneralPurpose', zoneRedundant: true }`,
    redis: `{ mode: 'existingCache', name: 'redis-shared', resourceGroup: 'rg-shared' }`,
    keyRing: `{ mode: 'observe' }`,
    budget: `{ amount: 100, startDate: '2026-12-01' }`,
  },
  public: {
    inbound: '{ denyByDefault: false, allowedAddresses: [] }',
    signIn: 'null',
    network: '{ enabled: false }',
    sql: `{ mode: 'new', skuName: 'GP_S_Gen5_1', owners: { objectId: '66666666-6666-6666-6666-666666666666', name: 'database owners' } }`,
    postgres: `{ mode: 'new', table: 'cache.entries' }`,
    redis: `{ mode: 'new' }`,
    keyRing: `{ mode: 'manage', name: 'shared' }`,
    budget: 'null',
    alerts: `{ emails: [], webhooks: [], rules: { 'redis-platform-load': { enabled: false } } }`,
    settings: `{ PURGE_GRACE: 'PT5M', SCHEDULE_PURGE: '0 */15 * * * *', OTEL_SERVICE_NAME: 'token caches' }`,
  },
  ringsAlone: {
    inbound: '{ denyByDefault: false, allowedAddresses: [] }',
    signIn: 'null',
    network: '{ enabled: false }',
    sql: `{ mode: 'none' }`,
    postgres: `{ mode: 'none' }`,
    redis: `{ mode: 'none' }`,
    keyRing: `{ mode: 'manage' }`,
    budget: 'null',
  },
  existingManagedRedis: {
    inbound: '{ denyByDefault: false, allowedAddresses: [] }',
    signIn: 'null',
    network: '{ enabled: false }',
    sql: `{ mode: 'none' }`,
    postgres: `{ mode: 'none' }`,
    redis: `{ mode: 'existingManaged', name: 'redis-shared' }`,
    keyRing: `{ mode: 'none' }`,
    budget: 'null',
  },
};

const common = `using '../../../../infra/main.bicep'
param environmentName = 'test'
param app = { nodeVersion: '24', instanceMemoryMB: 2048, maximumInstanceCount: 40, zoneRedundant: false }
param availability = { enabled: true, frequency: 300, locations: ['emea-nl-ams-azr'], failedLocations: 1 }
param retentionDays = 30
`;

const alerts = `{ emails: ['oncall@example.com'], webhooks: [{ name: 'chat', uri: 'https://chat.example.com/hook' }], rules: { 'findings-warning': { severity: 3, window: 'PT2H', frequency: 'PT1H', enabled: false } } }`;

/** The committed snapshots, and with the compiler those of the variants. */
export function everySnapshot(program: string | undefined): Map<string, Snapshot> {
  const all = new Map<string, Snapshot>(deployments.map((name: Deployment) => [name, readSnapshot(name)]));
  if (program === undefined) return all;
  const folder = ownFolder();
  for (const [name, parameters] of Object.entries(variants)) {
    const file = join(folder, `${name}.bicepparam`);
    writeFileSync(
      file,
      common +
        Object.entries({ alerts, ...parameters })
          .map(([parameter, value]) => `param ${parameter} = ${value}\n`)
          .join(''),
    );
    const { status, diagnostics } = bicep(program, ['snapshot', file, '--mode', 'overwrite', ...snapshotScope]);
    if (status !== 0) throw new Error(`The variant ${name} does not compile:\n${diagnostics.join('\n')}`);
    all.set(name, JSON.parse(readFileSync(join(folder, `${name}.snapshot.json`), 'utf8')) as Snapshot);
  }
  rmSync(folder, { recursive: true });
  return all;
}
