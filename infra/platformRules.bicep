// Rules about the platform's own metrics: they tell what the app cannot see, or work when the app does not. What its findings
// tell (memory and evictions of a Redis, size of a table) is told by them alone.
// Thresholds, aggregations, windows and severities: Azure Monitor Baseline Alerts, services/{type}/alerts.yaml (commit b772e9f).

@export()
@description('A rule about one metric of one resource.')
type platformRule = {
  @description('Name in `alerts.rules`.')
  name: string

  @description('Metric, as Azure publishes it.')
  metric: string

  @description('Over the window.')
  aggregation: 'Average' | 'Maximum' | 'Total'

  @description('Fires beyond the threshold.')
  operator: 'GreaterThan' | 'LessThan'

  @description('Value.')
  threshold: int

  @description('0 (critical) to 4 (verbose).')
  severity: 0 | 1 | 2 | 3 | 4

  @description('ISO 8601.')
  window: string

  @description('ISO 8601.')
  frequency: string

  @description('What it means, and what to do.')
  what: string

  @description('Of databases of these tiers alone.')
  tiers: string[]?
}

@description('Most have these.')
var usual = {
  operator: 'GreaterThan'
  window: 'PT5M'
  frequency: 'PT5M'
}

// Sql/servers, where the percentages are those of pools: databases have the same metrics.
@export()
@description('Azure SQL database.')
var sqlRules platformRule[] = [
  {
    ...usual
    name: 'sql-platform-cpu'
    metric: 'cpu_percent'
    aggregation: 'Average'
    threshold: 90
    severity: 3
    what: 'By the platform, the database has used more than 90 % of its CPU.'
    tiers: ['GeneralPurpose', 'BusinessCritical', 'Hyperscale']
  }
  {
    ...usual
    name: 'sql-platform-storage'
    metric: 'storage_percent'
    aggregation: 'Average'
    threshold: 90
    severity: 3
    what: 'By the platform, the database is more than 90 % full: soon it takes no sign-in.'
  }
  {
    ...usual
    name: 'sql-platform-connections-failed'
    metric: 'connection_failed'
    aggregation: 'Total'
    threshold: 5
    severity: 3
    what: 'By the platform, the database failed connections by faults of its own.'
  }
  {
    ...usual
    name: 'sql-platform-deadlocks'
    metric: 'deadlock'
    aggregation: 'Total'
    threshold: 1
    severity: 3
    what: 'By the platform, statements were ended to resolve deadlocks.'
  }
  {
    ...usual
    name: 'sql-platform-dtu'
    metric: 'dtu_consumption_percent'
    aggregation: 'Average'
    threshold: 90
    severity: 3
    what: 'By the platform, the database has used more than 90 % of its DTUs: every sign-in waits.'
    tiers: ['Basic', 'Standard', 'Premium']
  }
]

// DBforPostgreSQL/flexibleServers.
@export()
@description('PostgreSQL server.')
var postgresRules platformRule[] = [
  {
    ...usual
    name: 'postgres-platform-cpu'
    metric: 'cpu_percent'
    aggregation: 'Average'
    threshold: 90
    severity: 2
    what: 'By the platform, the server has used more than 90 % of its CPU.'
  }
  {
    ...usual
    name: 'postgres-platform-storage'
    metric: 'storage_percent'
    aggregation: 'Average'
    threshold: 90
    severity: 2
    what: 'By the platform, the server is more than 90 % full: it turns read-only before it is full.'
  }
  {
    ...usual
    name: 'postgres-platform-alive'
    metric: 'is_db_alive'
    aggregation: 'Maximum'
    operator: 'LessThan'
    threshold: 1
    severity: 1
    window: 'PT15M'
    frequency: 'PT15M'
    what: 'By the platform, the server does not answer: nobody signs in.'
  }
]

// Cache/redis; of a redisEnterprise, which has no rules there, load and errors have the maximum alone, every 5 minutes.
@export()
@description('Redis of either kind.')
var redisRules platformRule[] = [
  {
    ...usual
    name: 'redis-platform-load'
    metric: 'serverLoad'
    aggregation: 'Maximum'
    threshold: 85
    severity: 3
    window: 'PT15M'
    what: 'By the platform, a node of the Redis is busy for more than 85 % of its time: each sign-in waits.'
  }
  {
    ...usual
    name: 'redis-platform-latency'
    metric: 'cacheLatency'
    aggregation: 'Average'
    threshold: 10000
    severity: 3
    window: 'PT15M'
    what: 'By the platform, the Redis takes more than 10 ms to answer, of which there are several in each sign-in.'
  }
  {
    ...usual
    name: 'redis-platform-errors'
    metric: 'errors'
    aggregation: 'Maximum'
    threshold: 0
    severity: 3
    window: 'PT15M'
    what: 'By the platform, the Redis had errors of its own.'
  }
]

// KeyVault/vaults.
@export()
@description('Key Vault of a ring.')
var vaultRules platformRule[] = [
  {
    ...usual
    name: 'vault-platform-availability'
    metric: 'Availability'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: 90
    severity: 1
    what: 'By the platform, the vault of the key ring does not answer: an app that starts cannot read its keys.'
  }
  {
    ...usual
    name: 'vault-platform-saturation'
    metric: 'SaturationShoebox'
    aggregation: 'Average'
    threshold: 75
    severity: 1
    what: 'By the platform, the vault of the key ring is near the limit of its requests.'
  }
]

// Storage/storageAccounts.
@export()
@description('Storage account: of the host, or of a ring.')
var storageRules platformRule[] = [
  {
    ...usual
    name: 'storage-platform-availability'
    metric: 'Availability'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: 100
    severity: 1
    what: 'By the platform, the storage account fails requests.'
  }
]
