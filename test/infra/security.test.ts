/** Security facts of everything that may be deployed: the committed snapshots, and the compiled template. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bicepMissing, compiledTemplate, infra } from '../support/bicep.ts';
import { everySnapshot, type Json, outputOf, type Resource, type Snapshot } from '../support/snapshots.ts';

/** Roles that may be given, and why each. Ids: Microsoft, "Azure built-in roles". */
const allowedRoles: Record<string, string> = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Storage Blob Data Owner: the host signs in to its storage by identity',
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88': 'Storage Queue Data Contributor: the same',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Storage Table Data Contributor: the same, and the records of runs',
  'ba92f5b4-2d11-453d-a403-e96b0029c9fe': 'Storage Blob Data Contributor: writes the key ring, in its container',
  '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1': 'Storage Blob Data Reader: observes the key ring',
  'e147488a-f6f5-4113-8e2d-b22465e65bf6':
    'Key Vault Crypto Service Encryption User: reads the one key, wraps and unwraps with it, and nothing else',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Monitoring Metrics Publisher: sends telemetry with an Entra token',
  '3b03c2da-16b3-4a49-8834-0f8130efdd3b':
    'Log Analytics Data Reader: reads what a web app tells of its cache, where one is named',
  '43d0d8ad-25c7-4714-9337-8ba259a9fe05': 'Monitoring Reader: reads how full a Redis is',
};

/** Roles that give everything, or let their holder give it. */
const forbiddenRoles = {
  Owner: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
  Contributor: 'b24988ac-6180-42a0-ab88-20f7382dd24c',
  'User Access Administrator': '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9',
  'Role Based Access Control Administrator': 'f58310d9-a9f6-439a-9e8d-f62e7b41a168',
};

/**
 * Types with diagnostic settings. The others that are deployed have none, or only metrics, which Azure Monitor keeps anyway;
 * what Application Insights would export is in the workspace already.
 */
const withDiagnostics = [
  'Microsoft.OperationalInsights/workspaces',
  'Microsoft.KeyVault/vaults',
  'Microsoft.Storage/storageAccounts/blobServices',
  'Microsoft.Storage/storageAccounts/queueServices',
  'Microsoft.Storage/storageAccounts/tableServices',
  'Microsoft.Storage/storageAccounts/fileServices',
  'Microsoft.Sql/servers/databases',
  'Microsoft.DBforPostgreSQL/flexibleServers',
  'Microsoft.Cache/redisEnterprise/databases',
  'Microsoft.Web/sites',
  'Microsoft.Network/virtualNetworks',
  'Microsoft.Network/networkSecurityGroups',
  'Microsoft.Network/publicIPAddresses',
];

const snapshots = everySnapshot();

const all = ({ predictedResources }: Snapshot, type: string) =>
  predictedResources.filter((resource) => resource.type === type);

/** A property by its path, such as `siteConfig.minTlsVersion`. */
function at(resource: Resource, path: string): Json | undefined {
  return path
    .split('.')
    .reduce<Json | undefined>(
      (value, key) => (value && typeof value === 'object' && !Array.isArray(value) ? value[key] : undefined),
      resource.properties,
    );
}

function every(snapshot: Snapshot, type: string, facts: Record<string, Json>): void {
  for (const resource of all(snapshot, type))
    for (const [path, value] of Object.entries(facts))
      expect(at(resource, path), `${resource.name} ${path}`).toEqual(value);
}

describe.each(snapshots)('%s', (name, snapshot) => {
  it('has TLS 1.2 or later everywhere', () => {
    every(snapshot, 'Microsoft.Storage/storageAccounts', {
      minimumTlsVersion: 'TLS1_2',
      supportsHttpsTrafficOnly: true,
    });
    every(snapshot, 'Microsoft.Web/sites', {
      httpsOnly: true,
      'siteConfig.minTlsVersion': '1.2',
      'siteConfig.scmMinTlsVersion': '1.2',
      'siteConfig.ftpsState': 'Disabled',
    });
    every(snapshot, 'Microsoft.Sql/servers', { minimalTlsVersion: '1.2' });
    every(snapshot, 'Microsoft.Cache/redisEnterprise', { minimumTlsVersion: '1.2' });
    every(snapshot, 'Microsoft.Cache/redisEnterprise/databases', { clientProtocol: 'Encrypted' });
    const postgres = all(snapshot, 'Microsoft.DBforPostgreSQL/flexibleServers');
    const tls = all(snapshot, 'Microsoft.DBforPostgreSQL/flexibleServers/configurations');
    expect(tls.map((setting) => [setting.name.split('/').at(-1), setting.properties.value])).toEqual(
      postgres.map(() => ['ssl_min_protocol_version', 'TLSv1.2']),
    );
  });

  it('has no shared keys and no passwords', () => {
    every(snapshot, 'Microsoft.Storage/storageAccounts', { allowSharedKeyAccess: false });
    every(snapshot, 'Microsoft.Cache/redisEnterprise/databases', { accessKeysAuthentication: 'Disabled' });
    every(snapshot, 'Microsoft.Insights/components', { DisableLocalAuth: true });
    every(snapshot, 'Microsoft.OperationalInsights/workspaces', { 'features.disableLocalAuth': true });
    every(snapshot, 'Microsoft.Sql/servers', { 'administrators.azureADOnlyAuthentication': true });
    every(snapshot, 'Microsoft.DBforPostgreSQL/flexibleServers', {
      'authConfig.passwordAuth': 'Disabled',
      'authConfig.activeDirectoryAuth': 'Enabled',
    });
    every(snapshot, 'Microsoft.Web/sites/basicPublishingCredentialsPolicies', { allow: false });
    expect(all(snapshot, 'Microsoft.Web/sites/basicPublishingCredentialsPolicies')).toHaveLength(2);
  });

  it('has no public blob', () => {
    every(snapshot, 'Microsoft.Storage/storageAccounts', { allowBlobPublicAccess: false });
    every(snapshot, 'Microsoft.Storage/storageAccounts/blobServices/containers', { publicAccess: 'None' });
  });

  it('has no secret in outputs, settings or scripts', () => {
    const text = JSON.stringify(snapshot);
    expect(text).not.toMatch(/list(Keys|AccountSas|ServiceSas|Secrets)\w*\(/i);
    // An assignment of a value; the names of parameters and the variable that a script fills are none.
    expect(text).not.toMatch(/(AccountKey|SharedAccessKey|SharedAccessSignature|Password|Pwd)=(?!\$)[^;"' ]/i);
  });

  it('gives roles from the list alone, on single resources', () => {
    const assignments = all(snapshot, 'Microsoft.Authorization/roleAssignments');
    expect(assignments.length).toBeGreaterThan(2);
    for (const { id, properties } of assignments) {
      const role = String(properties.roleDefinitionId).split('/').at(-1) ?? '';
      expect(Object.keys(allowedRoles), role).toContain(role);
      // Where the identity is made here, its object id is not known yet, and the name is an expression still.
      expect(id, 'the scope of a role').toMatch(
        /^(\[extensionResourceId\(')?\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/.+Microsoft.Authorization\/roleAssignments/,
      );
      if (id.startsWith('['))
        expect(id, 'the name of an assignment').toMatch(/guid\('.+', reference\(.+\.principalId, '[^']+'\)/);
      expect(properties.principalType).toBe('ServicePrincipal');
    }
  });

  it('keeps purged keys and deleted rings', () => {
    every(snapshot, 'Microsoft.KeyVault/vaults', {
      enablePurgeProtection: true,
      enableSoftDelete: true,
      enableRbacAuthorization: true,
    });
    const container = all(snapshot, 'Microsoft.Storage/storageAccounts/blobServices/containers').find((resource) =>
      resource.name.endsWith('/dataprotection'),
    );
    if (!container) return;
    const [account] = container.name.split('/');
    const service = all(snapshot, 'Microsoft.Storage/storageAccounts/blobServices').find((resource) =>
      resource.name.startsWith(`${account}/`),
    );
    expect(service?.properties).toMatchObject({
      isVersioningEnabled: true,
      deleteRetentionPolicy: { enabled: true },
      containerDeleteRetentionPolicy: { enabled: true },
    });
  });

  it('rotates the key of the vault, from its first version on, which has no expiry', () => {
    for (const { properties, name: key } of all(snapshot, 'Microsoft.KeyVault/vaults/keys')) {
      const { attributes, lifetimeActions } = properties.rotationPolicy as {
        attributes: Json;
        lifetimeActions: { action: { type: string }; trigger: Json }[];
      };
      expect(attributes, key).toEqual({ expiryTime: 'P2Y' });
      const rotations = lifetimeActions.filter(({ action }) => action.type === 'rotate');
      expect(rotations, key).toEqual([{ action: { type: 'rotate' }, trigger: { timeAfterCreate: 'P21M' } }]);
    }
  });

  it('has a budget that somebody hears of, whoever is named for the alerts', () => {
    for (const { properties } of all(snapshot, 'Microsoft.Consumption/budgets'))
      for (const notification of Object.values(properties.notifications as Record<string, { contactRoles?: Json }>))
        expect(notification.contactRoles).toEqual(['Owner']);
  });

  it('has diagnostics on every resource that has them, where there is a workspace', () => {
    if (JSON.stringify(snapshot.outputs.WARNINGS).includes('There is no workspace')) return;
    const settings = all(snapshot, 'Microsoft.Insights/diagnosticSettings').map(({ id }) => id);
    for (const type of withDiagnostics)
      for (const { id } of all(snapshot, type))
        expect(settings, id).toContain(`${id}/providers/Microsoft.Insights/diagnosticSettings/to-workspace`);
    for (const { id } of all(snapshot, 'Microsoft.Sql/servers'))
      expect(settings).toContain(`${id}/databases/master/providers/Microsoft.Insights/diagnosticSettings/to-workspace`);
    every(snapshot, 'Microsoft.Sql/servers/auditingSettings', { state: 'Enabled', isAzureMonitorTargetEnabled: true });
  });

  it('keeps no client on one instance', () => {
    every(snapshot, 'Microsoft.Web/sites', { clientAffinityEnabled: false });
  });

  it('has no public endpoint for what is reached privately', () => {
    const reached = all(snapshot, 'Microsoft.Network/privateEndpoints').flatMap((endpoint) =>
      (endpoint.properties.privateLinkServiceConnections as { properties: { privateLinkServiceId: string } }[]).map(
        ({ properties }) => properties.privateLinkServiceId,
      ),
    );
    if (reached.length === 0) return;
    const closed = [
      'Microsoft.Storage/storageAccounts',
      'Microsoft.KeyVault/vaults',
      'Microsoft.Sql/servers',
      'Microsoft.Cache/redisEnterprise',
      'Microsoft.Web/sites',
    ];
    for (const type of closed) every(snapshot, type, { publicNetworkAccess: 'Disabled' });
    every(snapshot, 'Microsoft.DBforPostgreSQL/flexibleServers', { 'network.publicNetworkAccess': 'Disabled' });
    for (const type of [...closed, 'Microsoft.DBforPostgreSQL/flexibleServers'])
      for (const { id } of all(snapshot, type)) expect(reached, id).toContain(id);
    for (const site of all(snapshot, 'Microsoft.Web/sites'))
      expect(at(site, 'virtualNetworkSubnetId')).toMatch(/\/subnets\/(app|functions)$/);
    // Nothing outside reaches it, so nothing outside asks for its health.
    expect(all(snapshot, 'Microsoft.Insights/webtests')).toEqual([]);
  });

  it('refuses strangers where addresses are named, but for the availability test', () => {
    for (const site of all(snapshot, 'Microsoft.Web/sites')) {
      if (at(site, 'siteConfig.ipSecurityRestrictionsDefaultAction') !== 'Deny') continue;
      expect(at(site, 'siteConfig.scmIpSecurityRestrictionsDefaultAction')).toBe('Deny');
      if (at(site, 'publicNetworkAccess') === 'Disabled') continue;
      expect(at(site, 'siteConfig.ipSecurityRestrictions')).toContainEqual(
        expect.objectContaining({ tag: 'ServiceTag', ipAddress: 'ApplicationInsightsAvailability', action: 'Allow' }),
      );
    }
  });

  it('warns where no address is allowed, which shuts out deployments as well', () => {
    const [site] = all(snapshot, 'Microsoft.Web/sites');
    const refuses =
      site &&
      at(site, 'publicNetworkAccess') === 'Enabled' &&
      at(site, 'siteConfig.scmIpSecurityRestrictionsDefaultAction') === 'Deny';
    const allowed = site && at(site, 'siteConfig.scmIpSecurityRestrictions');
    const warnings = JSON.stringify(snapshot.outputs.WARNINGS ?? {});
    expect(warnings.includes('AZURE_ALLOWED_ADDRESSES'), warnings).toBe(
      refuses === true && Array.isArray(allowed) && allowed.length === 0,
    );
  });

  it('with Easy Auth, leaves out /api/health alone', () => {
    for (const settings of all(snapshot, 'Microsoft.Web/sites/config').filter((resource) =>
      resource.name.endsWith('/authsettingsV2'),
    ))
      expect(settings.properties.globalValidation).toMatchObject({
        requireAuthentication: true,
        excludedPaths: ['/api/health'],
      });
    expect(name).not.toBe('');
  });
});

describe('what is attached', () => {
  const snapshot = snapshots.find(([name]) => name === 'twoSubscriptions')?.[1];
  const ids = snapshot?.predictedResources.map(({ id }) => id) ?? [];
  const elsewhere = ids.filter((id) => !/\/subscriptions\/([^/']+)/.exec(id)?.[1]?.startsWith('00000000-'));

  it('gets nothing but rights, and each in its own group and subscription', () => {
    expect(elsewhere.length).toBeGreaterThan(2);
    for (const id of elsewhere) expect(id).toMatch(/roleAssignments|accessPolic(ies|yAssignments)/);
    expect(JSON.stringify(elsewhere)).not.toMatch(/kv-shared|redis-shared|appi-shared/);
  });

  it('is told to whoever may give the rights that the deployment may not', () => {
    const commands = outputOf(snapshot as Snapshot, 'GRANT_COMMANDS') as string[];
    const about = (text: string) => commands.filter((command) => command.includes(text));
    expect(about('vaults/kv-shared/keys/ring')).toHaveLength(2);
    expect(about('--name redis-shared')).toHaveLength(3);
    expect(about('components/appi-shared')).toHaveLength(1);
    for (const command of commands) expect(command).toMatch(/^az (role|redis|redisenterprise) /);
    for (const [, role = ''] of commands.join('\n').matchAll(/--role (\S+)/g))
      expect(allowedRoles).toHaveProperty(role);
  });

  it('keeps the names of two environments apart', () => {
    const named = ids.filter((id) => /accessPolic|workbooks|virtualNetworkLinks|scopedResources/.test(id));
    expect(named.length).toBeGreaterThan(1);
    for (const id of named) if (!id.includes('workbooks')) expect(id).toContain('attached');
  });
});

describe.skipIf(bicepMissing() !== undefined)('the compiled template', () => {
  let text = '';
  beforeAll(() => {
    text = compiledTemplate();
  }, 300_000);

  it('names no role but those of the list, whatever the parameters', () => {
    // The workbook's own ids are in the template as well.
    const workbook = readFileSync(join(infra, 'workbook.json'), 'utf8');
    const ids = (text.match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? []).filter((id) => !workbook.includes(id));
    expect(new Set(ids)).toEqual(new Set(Object.keys(allowedRoles)));
    expect(Object.values(allowedRoles).every((reason) => /: .{5}/.test(reason))).toBe(true);
    for (const [role, id] of Object.entries(forbiddenRoles)) expect(text, role).not.toContain(id);
  });

  it('gives what the table for other tools has, each by its id', () => {
    const document = readFileSync(join(infra, '../docs/other-tools.md'), 'utf8');
    for (const [role, reason] of Object.entries(allowedRoles))
      expect(document).toContain(`\`${role}\` (${reason.split(':')[0]})`);
  });

  it('asks Azure for no key, and puts out no secret', () => {
    expect(text).not.toMatch(/list(Keys|AccountSas|ServiceSas|Secrets)\w*\(/i);
    // Addresses of webhooks alone are kept from whoever reads the deployment: there is no other secret.
    const secure = [...text.matchAll(/"(\w+)": {\s*"type": "secure/gi)].map(([, property]) => property);
    expect(new Set(secure)).toEqual(new Set(['uri']));
  });

  it('has no parameter that is named like a secret', () => {
    const names = [...text.matchAll(/"parameters": {\s*"(\w+)"/g)].map(([, parameter]) => parameter);
    expect(names.length).toBeGreaterThan(5);
    for (const file of readdirSync(infra, { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.bicep'))
        for (const [, name] of readFileSync(join(infra, file), 'utf8').matchAll(/^param (\w+)/gm))
          expect(name, file).not.toMatch(/password|secret|token|credential|key$/i);
  });
});
