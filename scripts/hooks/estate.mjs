/** What the chosen parameter file says: its parts, and the ids of what is attached. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { az, root } from './commands.mjs';

/** A kind of id, as `infra/types/attached.bicep` has it. Azure tells no case apart. */
const forms = {
  sql: /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Sql\/servers\/[^/]+\/databases\/[^/]+$/i,
  postgres:
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.DBforPostgreSQL\/flexibleServers\/[^/]+\/databases\/[^/]+$/i,
  redis: /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Cache\/redis(Enterprise)?\/[^/]+$/i,
  container:
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Storage\/storageAccounts\/[^/]+\/blobServices\/default\/containers\/[^/]+$/i,
  vaultKey:
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/[^/]+\/keys\/[^/]+$/i,
  subnet:
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/virtualNetworks\/[^/]+\/subnets\/[^/]+$/i,
  zone: /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/privateDnsZones\/[^/]+$/i,
  workspace:
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.OperationalInsights\/workspaces\/[^/]+$/i,
  component: /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Insights\/components\/[^/]+$/i,
  scope: /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Insights\/privateLinkScopes\/[^/]+$/i,
  actionGroup: /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Insights\/actionGroups\/[^/]+$/i,
};

/** The parameters, as the compiler reads them: with lists that were written by hand, and with azd's values put in. */
export function readParameters() {
  const [, module = 'existing'] = /^ {2}module: (\S+)$/m.exec(readFileSync(join(root, 'azure.yaml'), 'utf8')) ?? [];
  const { value, error } = az(
    'bicep',
    'build-params',
    '--file',
    join(root, 'infra', `${module}.bicepparam`),
    '--stdout',
  );
  if (!value) throw new Error(`infra/${module}.bicepparam cannot be used: ${error}`);
  const { parameters } = JSON.parse(value.parametersJson);
  return Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, parameter.value]));
}

/** What is attached: each id with its kind, and whether the deployment gives rights on it. */
export function attachedIn({ sql, postgres, redis, keyRings, webApps, network, monitoring }) {
  const part = (kind, id, rights = false) => (id ? [{ kind, id, rights, wellFormed: forms[kind].test(id) }] : []);
  return [
    ...(sql ?? []).flatMap(({ id }) => part('sql', id)),
    ...(postgres ?? []).flatMap(({ id }) => part('postgres', id)),
    ...(redis ?? []).flatMap(({ id }) => part('redis', id, true)),
    ...(keyRings ?? []).flatMap(({ store, vaultKey }) => [
      ...storePart(store, part),
      ...part('vaultKey', vaultKey, true),
    ]),
    ...part('subnet', network?.appSubnetId),
    ...part('subnet', network?.endpointSubnetId),
    ...(network?.zoneIds ?? []).flatMap((id) => part('zone', id)),
    ...part('workspace', monitoring?.workspaceId),
    ...(webApps ?? []).flatMap(({ workspaceId }) => part('workspace', workspaceId, true)),
    ...part('component', monitoring?.componentId, true),
    ...part('scope', monitoring?.privateLinkScopeId),
    ...(monitoring?.actionGroupIds ?? []).flatMap((id) => part('actionGroup', id)),
  ];
}

/** What a ring is kept in, as `storeKind` in `infra/attached.bicep` tells the kinds apart. A blob stands behind its container. */
function storePart(store, part) {
  const kind = ['sql', 'postgres', 'redis'].find((each) => forms[each].test(store));
  return kind ? part(kind, store, kind === 'redis') : part('container', store.replace(/\/blobs\/.+$/, ''), true);
}

/** Resource providers that the deployment needs in its own subscription. */
export function providersFor({ make, network, budget }) {
  const needed = [
    ['Microsoft.ManagedIdentity', true],
    ['Microsoft.Storage', true],
    ['Microsoft.Web', true],
    ['Microsoft.Insights', true],
    ['Microsoft.App', make?.network || network],
    ['Microsoft.Network', make?.network || network?.endpointSubnetId],
    ['Microsoft.Sql', make?.sql],
    ['Microsoft.DBforPostgreSQL', make?.postgres],
    ['Microsoft.Cache', make?.redis],
    ['Microsoft.KeyVault', make?.keyRing],
    ['Microsoft.OperationalInsights', make?.monitoring],
    ['Microsoft.Consumption', budget],
  ];
  return needed.filter(([, used]) => used).map(([namespace]) => namespace);
}
