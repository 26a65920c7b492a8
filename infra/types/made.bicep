@export()
@description('Somebody in Entra.')
type principal = {
  @description('Object id.')
  objectId: string

  @description('Login name of a person, display name of all else.')
  name: string

  @description('What it is.')
  kind: 'User' | 'Group' | 'ServicePrincipal'
}

@export()
@description('An Azure SQL server with a database, for the cache `web`.')
@sealed()
type madeSql = {
  @description('`S0` (DTU), `GP_S_Gen5_1` (serverless), `GP_Gen5_2`, …; default `S0`.')
  skuName: string?

  @description('Replicas in several zones. General Purpose, Business Critical and Premium can.')
  zoneRedundant: bool?
}

@export()
@description('A PostgreSQL server with a database, for the cache `postgres`.')
@sealed()
type madePostgres = {
  @description('Default `Standard_B1ms`.')
  skuName: string?

  @description('Default `Burstable`.')
  skuTier: ('Burstable' | 'GeneralPurpose' | 'MemoryOptimized')?

  @description('A standby in another zone. Not on Burstable.')
  zoneRedundant: bool?
}

@export()
@description('An Azure Managed Redis, for the cache `redis`.')
@sealed()
type madeRedis = {
  @description('Default `Balanced_B0`.')
  skuName: string?

  @description('A replica, spread over zones where the region has them; default false.')
  highAvailability: bool?
}

@export()
@description('A network of its own, with private endpoints for all that is made here.')
@sealed()
type madeNetwork = {
  @description('A /24 that nothing else uses; default `10.90.0.0/24`.')
  addressPrefix: string?

  @description('True: telemetry stays in the network too, by an Azure Monitor private link scope of its own. One a DNS: never where the network sees the zones of another.')
  monitorPrivately: bool?
}

@export()
@description('Log Analytics workspace and Application Insights.')
@sealed()
type madeMonitoring = {
  @description('Days that logs and metrics are kept.')
  retentionDays: int
}

@export()
@description('What is made anew, for trying out; each null for nothing.')
@sealed()
type madeParts = {
  @description('Azure SQL.')
  sql: madeSql?

  @description('PostgreSQL.')
  postgres: madePostgres?

  @description('Redis.')
  redis: madeRedis?

  @description('Key ring `web`: a container with versions, and a vault with its key.')
  keyRing: ('observe' | 'manage')?

  @description('Network.')
  network: madeNetwork?

  @description('Log Analytics workspace and Application Insights.')
  monitoring: madeMonitoring?

  @description('Who administers the databases; default: who deploys.')
  administrator: principal?

  @description('True: no database, ring or vault made here can be deleted before its lock is. `azd down` then stops at them.')
  lock: bool?

  @description('True: the vault was deleted, and comes back with its key. The hook `preprovision` finds that out.')
  recoverVault: bool?
}
