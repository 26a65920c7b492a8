@export()
@description('Somebody in Entra.')
type principal = {
  @description('Object id.')
  objectId: string

  @description('Display name.')
  name: string
}

@export()
@description('The identity that runs a deployment script.')
type setupIdentity = {
  @description('Resource id.')
  id: string

  @description('Object id.')
  principalId: string
}

@export()
@description('The SQL Server cache, and where its database is.')
type sqlSettings = {
  @description('`new`: a server and a database are made. `existing`: they are there. `none`: no such cache.')
  mode: 'none' | 'new' | 'existing'

  @description('Name of the cache in reports and alerts; default `web`.')
  cacheName: string?

  @description('Schema and table; default `dbo.TokenCache`.')
  table: string?

  @description('Database; default `tokencache`.')
  database: string?

  @description('New: `S0` (DTU), `GP_S_Gen5_1` (serverless), `GP_Gen5_2`, …; default `S0`.')
  skuName: string?

  @description('New: replicas in several zones. General Purpose, Business Critical and Premium can.')
  zoneRedundant: bool?

  @description('New: an Entra group whose members become db_owner, for people who look after the database.')
  owners: principal?

  @description('Existing: host name of the server, such as `NAME.database.windows.net`.')
  host: string?

  @description('Existing: a user-assigned identity that may create users in the database. Without it the statements of `infra/scripts/sqlUser.sql` are yours to run.')
  setupIdentity: setupIdentity?
}

@export()
@description('The PostgreSQL cache.')
type postgresSettings = {
  @description('`new`: a server and a database are made. `none`: no such cache.')
  mode: 'none' | 'new'

  @description('Name of the cache in reports and alerts; default `postgres`.')
  cacheName: string?

  @description('Schema and table; default `public.tokencache`.')
  table: string?

  @description('Default `Standard_B1ms`.')
  skuName: string?

  @description('Default `Burstable`.')
  skuTier: ('Burstable' | 'GeneralPurpose' | 'MemoryOptimized')?

  @description('A standby in another zone. Not on Burstable.')
  zoneRedundant: bool?
}

@export()
@description('The Redis cache.')
type redisSettings = {
  @description('`new`: an Azure Managed Redis is made. `existingManaged`: there is one. `existingCache`: there is an Azure Cache for Redis, with Entra authentication on. `none`: no such cache.')
  mode: 'none' | 'new' | 'existingManaged' | 'existingCache'

  @description('Name of the cache in reports and alerts; default `redis`.')
  cacheName: string?

  @description('`InstanceName` of the web app.')
  instanceName: string?

  @description('New: default `Balanced_B0`.')
  skuName: string?

  @description('New: a replica, spread over zones where the region has them.')
  highAvailability: bool?

  @description('Existing: name of the resource.')
  name: string?

  @description('Existing: its resource group; default that of the deployment.')
  resourceGroup: string?
}

@export()
@description('The Data Protection key ring.')
type keyRingSettings = {
  @description('As `mode` in KEY_RINGS; `none`: no ring, no vault, no container.')
  mode: 'none' | 'observe' | 'manage'

  @description('Name of the ring; default `web`.')
  name: string?

  @description('Name of the blob; default `keys.xml`.')
  blob: string?
}
