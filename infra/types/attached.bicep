@export()
@description('An Azure SQL database with a cache table.')
@sealed()
type sqlCache = {
  @description('Name of the cache in reports and alerts: `a-z`, `0-9` and `-`.')
  name: string

  @description('Resource id: `/subscriptions/…/servers/SERVER/databases/DATABASE`.')
  id: string

  @description('Schema and table; default `dbo.TokenCache`.')
  table: string?

  @description('`observe`: the app gets no ALTER, and says where the expiry index is missing. Default `manage`: it makes the index.')
  index: ('manage' | 'observe')?
}

@export()
@description('A database on Azure Database for PostgreSQL with a cache table.')
@sealed()
type postgresCache = {
  @description('Name of the cache in reports and alerts: `a-z`, `0-9` and `-`.')
  name: string

  @description('Resource id: `/subscriptions/…/flexibleServers/SERVER/databases/DATABASE`.')
  id: string

  @description('Schema and table; default `public.tokencache`.')
  table: string?
}

@export()
@description('An Azure Managed Redis, or an Azure Cache for Redis with Entra authentication on.')
@sealed()
type redisCache = {
  @description('Name of the cache in reports and alerts: `a-z`, `0-9` and `-`.')
  name: string

  @description('Resource id: `/subscriptions/…/Microsoft.Cache/redisEnterprise/NAME` or `…/Microsoft.Cache/redis/NAME`.')
  id: string

  @description('`InstanceName` of the web app.')
  instanceName: string?
}

@export()
@description('A Data Protection key ring.')
@sealed()
type keyRing = {
  @description('Name of the ring in reports and alerts: `a-z`, `0-9` and `-`.')
  name: string

  @description('As `mode` in KEY_RINGS.')
  mode: 'observe' | 'manage'

  @description('Resource id of what it is kept in: the container of a blob (`/subscriptions/…/blobServices/default/containers/CONTAINER`; `/blobs/BLOB` may follow, default `keys.xml`), an Azure SQL or PostgreSQL database, or a Redis.')
  store: string

  @description('In a database: schema and table; default `DataProtectionKeys`.')
  table: string?

  @description('In a Redis: the key of its list; default `DataProtection-Keys`.')
  key: string?

  @description('Resource id of the Key Vault key that protects the ring, `/subscriptions/…/vaults/VAULT/keys/KEY`; null where none does.')
  vaultKey: string?

  @description('Names of the caches whose entries it protects; default: all SQL caches.')
  caches: string[]?
}

@export()
@description('A web app whose own telemetry is read: what it tells of its cache.')
@sealed()
type webApp = {
  @description('Name of its cache.')
  cache: string

  @description('Resource id of the Log Analytics workspace of its Application Insights.')
  workspaceId: string

  @description('Its role name in there (`AppRoleName`).')
  role: string
}

@export()
@description('A web app, which gets its own rights on rings, keys and Redis here, and in the databases by `token-cache grant`.')
@sealed()
type consumer = {
  @description('Name of its identity, and of its database user.')
  name: string

  @description('Object (principal) id of the identity.')
  principalId: string

  @description('Client id of the identity.')
  clientId: string
}

@export()
@description('A virtual network that is there. Its zones may lie in a hub.')
@sealed()
type attachedNetwork = {
  @description('Subnet of the app\'s outgoing calls, delegated to Microsoft.App/environments; no underscore in its name.')
  appSubnetId: string

  @description('Subnet of private endpoints, for what is made here; null for public endpoints.')
  endpointSubnetId: string?

  @description('Private DNS zones by id, of any subscription. A zone that is not among them is taken to be filled by a policy.')
  zoneIds: string[]?
}

@export()
@description('Where telemetry goes, and who is told.')
@sealed()
type attachedMonitoring = {
  @description('Log Analytics workspace: diagnostics, and the alerts by queries. Without one there are neither.')
  workspaceId: string?

  @description('Application Insights of that workspace. Without one the app sends no telemetry.')
  componentId: string?

  @description('Azure Monitor private link scope, to which an Application Insights made here is added.')
  privateLinkScopeId: string?

  @description('Action groups that are told of every alert.')
  actionGroupIds: string[]?
}

@export()
@description('What a connection string leads to.')
type place = {
  @description('The setting that holds it.')
  setting: string

  @description('Resource id of a database or a Redis.')
  id: string
}

@export()
@description('What a cache of any engine has.')
type cachePlace = {
  @description('Name of the cache.')
  name: string

  @description('Resource id.')
  id: string

  @description('Whatever else it has.')
  *: string?
}
