/**
 * azd's hook before it provisions: what would fail later, or half-way, is said now, all of it at once. It changes nothing but two
 * values of azd's environment: on which resources rights are only printed, and whether a deleted vault comes back.
 */
import { az, remember, run, say } from './commands.mjs';
import { attachedIn, providersFor, readParameters } from './estate.mjs';

const { AZURE_SUBSCRIPTION_ID: subscription, AZURE_LOCATION: location, AZURE_RESOURCE_GROUP: group } = process.env;
let wrong = 0;
const shown = new Map();
const fail = (text) => {
  wrong += 1;
  say('error', text);
};
/** A region as it is written, or as it is displayed. */
const plain = (name) => name.toLowerCase().replaceAll(' ', '');
/** What could not be asked is unknown: neither right nor wrong. */
const unknown = (what, error) => say('warning', `${what} could not be asked: ${error.split('\n')[0]}`);

if (tools()) {
  const parameters = parametersOrNothing();
  if (parameters) {
    providers(parameters);
    region();
    resourceGroup();
    names(parameters);
    inbound(parameters);
    budgetMonth(parameters);
    const attached = attachedIn(parameters);
    existence(attached, parameters);
    reach(attached, parameters);
    rights(attached);
    vault(parameters);
  }
}
if (wrong > 0) console.error(`\n${wrong} to put right before anything is made; then run azd up again.`);
process.exitCode = wrong > 0 ? 1 : 0;

/** The programs, their versions, and the login. */
function tools() {
  const azd = run('azd', ['version', '--output', 'json']);
  const [, version = ''] = /(\d+\.\d+\.\d+)/.exec(azd.stdout) ?? [];
  if (!atLeast(version, '1.25.0')) fail(`azd 1.25.0 or later is needed; this is ${version || 'unknown'}: azd update.`);
  if (run('az', ['version']).status !== 0) {
    fail('The Azure CLI is needed: https://learn.microsoft.com/cli/azure/install-azure-cli');
    return false;
  }
  // deployer().userPrincipalName came with 0.36.1.
  const bicep = run('az', ['bicep', 'version']);
  const [, compiler = ''] = /(\d+\.\d+\.\d+)/.exec(bicep.stdout + bicep.stderr) ?? [];
  if (!atLeast(compiler, '0.36.1'))
    fail(`Bicep 0.36.1 or later is needed; this is ${compiler || 'unknown'}: az bicep upgrade.`);
  if (!subscription || !location || !group) {
    fail('Set AZURE_SUBSCRIPTION_ID, AZURE_LOCATION and AZURE_RESOURCE_GROUP: azd env set NAME VALUE.');
    return false;
  }
  const { value, error } = az('account', 'show', '--subscription', subscription);
  if (error) fail(`az is not logged in to the subscription ${subscription}: az login. (${error.split('\n')[0]})`);
  else if (value.state !== 'Enabled') fail(`The subscription ${subscription} is ${value.state}.`);
  return !error;
}

function parametersOrNothing() {
  try {
    return readParameters();
  } catch (error) {
    fail(error.message);
    return undefined;
  }
}

function providers(parameters) {
  const { value, error } = az(
    'provider',
    'list',
    '--subscription',
    subscription,
    '--query',
    '[].{namespace:namespace,state:registrationState}',
  );
  if (error) return unknown('Which resource providers are registered', error);
  const registered = new Set(
    value.filter(({ state }) => state === 'Registered').map((each) => each.namespace.toLowerCase()),
  );
  const missing = providersFor(parameters).filter((namespace) => !registered.has(namespace.toLowerCase()));
  for (const namespace of missing)
    fail(
      `${namespace} is not registered: az provider register --namespace ${namespace} --subscription ${subscription} --wait`,
    );
  if (missing.length === 0) say('ok', 'The resource providers are registered.');
}

function region() {
  const { value, error } = az('functionapp', 'list-flexconsumption-locations', '--query', '[].name');
  if (error) return unknown('Which regions have Flex Consumption', error);
  if (value.map(plain).includes(plain(location))) say('ok', `${location} has Flex Consumption.`);
  else
    fail(`${location} has no Flex Consumption: azd env set AZURE_LOCATION, such as ${value.slice(0, 3).join(', ')}.`);
}

function resourceGroup() {
  const { value, error } = az('group', 'show', '--name', group, '--subscription', subscription);
  if (error)
    return fail(
      `The resource group ${group} is not there: az group create --name ${group} --location ${location} --subscription ${subscription}`,
    );
  const may = permitted(value.id, 'Microsoft.Authorization/roleAssignments/write');
  if (may === false)
    fail(
      `You may give no rights on ${group}: the app needs its own on its storage. Ask for Role Based Access Control Administrator on the group.`,
    );
}

/** Names that settings, alerts and addresses are made of. */
function names({ environmentName, sql, postgres, redis, keyRings, consumers, make, settings }) {
  if (!/^[a-z0-9-]{1,40}$/i.test(environmentName))
    fail(`The environment's name must have 1 to 40 letters, digits and -: ${environmentName}`);
  const caches = [...(sql ?? []), ...(postgres ?? []), ...(redis ?? [])].map(({ name }) => name);
  const rings = (keyRings ?? []).map(({ name }) => name);
  for (const name of [...caches, ...rings])
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(name))
      fail(`The name of a cache or ring begins with a-z, and has at most 40 of a-z, 0-9 and -: ${name}`);
  const made = ['sql', 'postgres', 'redis', 'keyRing'].some((part) => make?.[part]);
  if (caches.length + rings.length === 0 && !made && Object.keys(settings ?? {}).length === 0)
    fail(
      'Nothing is attached, so the app would have nothing to do: azd env set AZURE_SQL_DATABASE_ID, AZURE_REDIS_ID, …',
    );
  for (const { name, principalId, clientId } of consumers ?? [])
    for (const id of [principalId, clientId])
      if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id))
        fail(`The ids of the web app ${name} are GUIDs, and this is none: ${id}`);
  for (const list of [caches, rings])
    for (const name of new Set(list.filter((each, index) => list.indexOf(each) !== index)))
      fail(`Two are named ${name}: give each a name of its own.`);
}

function inbound({ inbound: { access, allowedAddresses } = {}, network, make }) {
  if (access === 'addresses' && allowedAddresses.length === 0)
    fail(
      'Nobody might call the app, nor deploy to it: azd env set AZURE_ALLOWED_ADDRESSES 203.0.113.7/32,… with the addresses of operators and of this machine.',
    );
  for (const address of access === 'addresses' ? allowedAddresses : [])
    if (!/^[0-9a-f.:]+\/\d{1,3}$/i.test(address)) fail(`${address} is not a CIDR range, such as 203.0.113.7/32.`);
  if (access !== 'private') return;
  if (!network?.endpointSubnetId && !make?.network)
    fail('A private app needs a subnet for its endpoint: AZURE_ENDPOINT_SUBNET_ID.');
  say('warning', 'The app will be private: deploy from within its network, or azd deploy will not reach it.');
}

/** A budget takes no month that is over, but for one that it has had from the beginning. */
function budgetMonth({ budget }) {
  if (!budget) return;
  const { startDate } = budget;
  if (!/^\d{4}-\d{2}-01$/.test(startDate))
    return fail(`A budget starts on the first of a month, not on ${startDate}: azd env set AZURE_BUDGET_START.`);
  const month = new Date().toISOString().slice(0, 8);
  if (startDate < `${month}01` && !process.env.SERVICE_MAINTENANCE_NAME)
    fail(`A budget cannot start in the past: azd env set AZURE_BUDGET_START ${month}01`);
}

/** Whether each id names something, and of the right kind. */
function existence(attached, { network }) {
  for (const { kind, id, wellFormed } of attached) {
    if (!wellFormed) {
      const isVersion = kind === 'vaultKey' && /\/keys\/[^/]+\/(versions\/)?[0-9a-f]{32}$/i.test(id);
      if (isVersion) fail(`The key of a ring is named without a version, so that it can be rotated: ${id}`);
      else fail(`This is not an id of a ${kind}: ${id} (infra/types/attached.bicep has its form).`);
      continue;
    }
    const { value, error } = show(id);
    if (
      error &&
      /^[^\n]*Subscription '[^']*' not found|SubscriptionNotFound|InvalidAuthenticationTokenTenant/i.test(error)
    )
      fail(
        `az sees no subscription for ${id}: what is attached is in the tenant of the app (az account list --refresh).`,
      );
    else if (error && /not ?found|does not exist|could not be found/i.test(error)) fail(`This is not there: ${id}`);
    else if (error) unknown(`Whether ${id} is there`, error);
    else if (kind === 'subnet') subnet(id, value, id === network.appSubnetId);
    else if (kind === 'vaultKey') key(id, value);
    else if (kind === 'redis') entra(id, value);
    else if (kind === 'zone')
      joins(id, 'Microsoft.Network/privateDnsZones/join/action', 'Private DNS Zone Contributor');
  }
}

/** Each is asked for once, however its id is written. */
function show(id) {
  const known = shown.get(id.toLowerCase()) ?? az('resource', 'show', '--ids', id);
  shown.set(id.toLowerCase(), known);
  return known;
}

/** The server, account or vault that an id lies in. */
function home(id) {
  return id.split('/').slice(0, 9).join('/');
}

/** What has no public address is reached by an app that has a subnet alone. */
function reach(attached, { network, make }) {
  if (network?.appSubnetId || make?.network) return;
  const kinds = ['sql', 'postgres', 'redis', 'container', 'vaultKey'];
  const homes = attached.filter(({ kind, wellFormed }) => wellFormed && kinds.includes(kind)).map(({ id }) => home(id));
  for (const id of new Map(homes.map((each) => [each.toLowerCase(), each])).values()) {
    const { properties } = show(id).value ?? {};
    if ([properties, properties?.network].some((each) => each?.publicNetworkAccess === 'Disabled'))
      fail(
        `${id} has no public address, and the app no subnet from which to reach it: azd env set AZURE_APP_SUBNET_ID.`,
      );
  }
}

/** The app has no access key. A Managed Redis takes Entra ID always. */
function entra(id, { properties: { redisConfiguration: configuration } = {} }) {
  if (!configuration || /^true$/i.test(configuration['aad-enabled'])) return;
  const advice = `az redis update --ids ${id} --set redisConfiguration.aad-enabled=true`;
  if (configuration['aad-enabled'] === undefined)
    say('warning', `Whether ${id} takes Entra ID is not known; if not: ${advice}`);
  else fail(`This Redis takes access keys alone, and the app has none: ${advice}`);
}

/** What an endpoint or the app is joined to must let whoever deploys do so. */
function joins(id, action, role) {
  if (permitted(id, action) === false) fail(`You may not join ${id}: ask for ${role} on it.`);
}

/** Data Protection wraps by RSA, and a key that is over wraps nothing. */
function key(id, { properties: { kty, attributes = {} } = {} }) {
  if (kty && !/^RSA/i.test(kty)) fail(`A ring is protected by an RSA key, and this is ${kty}: ${id}`);
  if (attributes.enabled === false) fail(`This key is disabled: ${id}`);
  const vaultId = home(id);
  if (show(vaultId).value?.properties?.enableRbacAuthorization === false)
    say(
      'warning',
      `${vaultId} goes by access policies, where roles count for nothing. After this: az keyvault set-policy --name ${vaultId.split('/').at(-1)} --key-permissions get wrapKey unwrapKey --object-id IDENTITY_PRINCIPAL_ID (azd env get-value IDENTITY_PRINCIPAL_ID)`,
    );
  if (!attributes.exp) return;
  const end = new Date(attributes.exp * 1000).toISOString().slice(0, 10);
  if (attributes.exp * 1000 < Date.now()) fail(`This key expired on ${end}: ${id}`);
  else say('warning', `The key of the ring expires on ${end}, and must have been rotated by then: ${id}`);
}

function subnet(id, { properties }, isApps) {
  const { value: joined } = show(home(id));
  if (joined?.location && plain(joined.location) !== plain(location))
    fail(`The subnet must be in the region of the app, ${location}, and is in ${joined.location}: ${id}`);
  joins(id, 'Microsoft.Network/virtualNetworks/subnets/join/action', 'Network Contributor');
  if (!isApps) return;
  const delegated = (properties?.delegations ?? []).map((each) => each.properties?.serviceName);
  const [other] = delegated.filter((name) => name?.toLowerCase() !== 'microsoft.app/environments');
  const users = [...(properties?.ipConfigurations ?? []), ...(properties?.privateEndpoints ?? [])];
  const isUsed = delegated.length === 0 && users.length > 0;
  if (other || isUsed)
    fail(
      `The subnet of the app is its own, and this one is ${other ? `delegated to ${other}` : 'in use'}: ${id}. Make another: az network vnet subnet create --delegations Microsoft.App/environments`,
    );
  else if (delegated.length === 0)
    fail(
      `The subnet of the app must be delegated to Microsoft.App/environments: az network vnet subnet update --ids ${id} --delegations Microsoft.App/environments`,
    );
  if (id.split('/').at(-1).includes('_')) fail(`Flex Consumption takes no subnet whose name has an underscore: ${id}`);
}

/**
 * Where whoever deploys may give no rights, they are printed. Where that is unknown, they are tried. They are given by a
 * deployment beside the resource: so that must be allowed as well.
 */
function rights(attached) {
  const printed = attached
    .filter(({ rights: needed, wellFormed }) => needed && wellFormed)
    .filter(({ id }) => {
      const own = ['Microsoft.Authorization/roleAssignments/write'];
      const [, kind] = /\/providers\/(Microsoft\.Cache\/redis(?:Enterprise)?)\//i.exec(id) ?? [];
      if (kind) own.push(`${kind}${/Enterprise$/i.test(kind) ? '/databases' : ''}/accessPolicyAssignments/write`);
      const resourceGroup = id.split('/').slice(0, 5).join('/');
      return (
        permitted(id, ...own) === false || permitted(resourceGroup, 'Microsoft.Resources/deployments/write') === false
      );
    });
  for (const { id } of printed) say('warning', `You may give no rights on ${id}: the commands are printed at the end.`);
  remember('AZURE_PRINT_ROLES_FOR', JSON.stringify(printed.map(({ id }) => id)));
}

/** @returns undefined where it could not be asked */
function permitted(id, ...actions) {
  const url = `https://management.azure.com${encodeURI(id)}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01`;
  const { value, error } = az('rest', '--method', 'get', '--url', url);
  if (error || !Array.isArray(value?.value)) return undefined;
  return actions.every((action) => {
    const matches = (pattern) =>
      new RegExp(`^${pattern.replace(/[.+?^$()|[\]\\{}]/g, '\\$&').replaceAll('*', '.*')}$`, 'i').test(action);
    return value.value.some(
      ({ actions: allowed = [], notActions = [] }) => allowed.some(matches) && !notActions.some(matches),
    );
  });
}

/** A vault that was made here and deleted comes back, with its key: its name is taken for 90 days. */
function vault({ make, environmentName }) {
  if (!make?.keyRing) return;
  const { value, error } = az('keyvault', 'list-deleted', '--subscription', subscription, '--resource-type', 'vault');
  if (error) return unknown('Whether the vault was deleted', error);
  const found = value.some(
    ({ properties }) =>
      properties?.tags?.['azd-env-name'] === environmentName &&
      properties.vaultId?.toLowerCase().includes(`/resourcegroups/${group.toLowerCase()}/`),
  );
  if (found) say('warning', 'The vault of the key ring was deleted: it comes back, with its key.');
  remember('AZURE_RECOVER_VAULT', String(found));
}

function atLeast(version, needed) {
  const [have, want] = [version, needed].map((text) => text.split('.').map(Number));
  for (let part = 0; part < 3; part += 1) if ((have[part] ?? -1) !== want[part]) return (have[part] ?? -1) > want[part];
  return true;
}
