@export()
@description('What of a rule by a query may be set otherwise. What a finding is, and of which level, are settings of the app.')
@sealed()
type queryOverride = {
  @description('0 (critical) to 4 (verbose).')
  severity: (0 | 1 | 2 | 3 | 4)?

  @description('How far it looks back: at least two intervals of SCHEDULE_FINDINGS, and some minutes. So long the app is silent before that is an alert.')
  window: ('PT15M' | 'PT30M' | 'PT45M' | 'PT1H' | 'PT2H' | 'PT3H' | 'PT4H' | 'PT5H' | 'PT6H' | 'P1D' | 'P2D')?

  @description('How often it is evaluated. Every 15 minutes costs a third of every 5.')
  frequency: ('PT5M' | 'PT10M' | 'PT15M' | 'PT30M' | 'PT1H')?

  @description('False switches the rule off.')
  enabled: bool?
}

@export()
@description('What of a rule by a metric may be set otherwise.')
@sealed()
type metricOverride = {
  @description('0 (critical) to 4 (verbose).')
  severity: (0 | 1 | 2 | 3 | 4)?

  @description('ISO 8601: the time that is looked at.')
  window: string?

  @description('ISO 8601: how often it is evaluated.')
  frequency: string?

  @description('The value above which the alert fires; of `health-failing`, the places that must fail.')
  threshold: int?

  @description('False switches the rule off.')
  enabled: bool?
}

@export()
@description('All the rules, by their names.')
@sealed()
type alertOverrides = {
  @description('A critical finding stands.')
  'findings-critical': queryOverride?

  @description('A warning stands.')
  'findings-warning': queryOverride?

  @description('Nothing is heard of the app.')
  'app-silent': queryOverride?

  @description('/api/health is failing.')
  'health-failing': metricOverride?

  @description('CPU of an Azure SQL database, in per cent.')
  'sql-platform-cpu': metricOverride?

  @description('DTU of an Azure SQL database, in per cent.')
  'sql-platform-dtu': metricOverride?

  @description('Storage of an Azure SQL database, in per cent.')
  'sql-platform-storage': metricOverride?

  @description('Connections that an Azure SQL database failed.')
  'sql-platform-connections-failed': metricOverride?

  @description('Deadlocks in an Azure SQL database.')
  'sql-platform-deadlocks': metricOverride?

  @description('CPU of a PostgreSQL server, in per cent.')
  'postgres-platform-cpu': metricOverride?

  @description('Storage of a PostgreSQL server, in per cent.')
  'postgres-platform-storage': metricOverride?

  @description('A PostgreSQL server does not answer.')
  'postgres-platform-alive': metricOverride?

  @description('A node of a Redis is busy, in per cent.')
  'redis-platform-load': metricOverride?

  @description('Latency of a Redis, in microseconds.')
  'redis-platform-latency': metricOverride?

  @description('Errors of a Redis.')
  'redis-platform-errors': metricOverride?

  @description('Availability of a Key Vault, in per cent.')
  'vault-platform-availability': metricOverride?

  @description('Saturation of a Key Vault, in per cent.')
  'vault-platform-saturation': metricOverride?

  @description('Availability of a storage account, in per cent.')
  'storage-platform-availability': metricOverride?

  @description('The workspace has reached its daily cap.')
  'workspace-over-quota': queryOverride?
}

@export()
@description('Who is told, as metric and activity log alerts have it.')
type action = {
  @description('Resource id.')
  actionGroupId: string
}

@export()
@description('Where the common alert schema is posted to.')
type webhook = {
  @description('Shown in the action group.')
  name: string

  @description('https://…; it may hold a token, so the deployment keeps it to itself. Read it with readEnvironmentVariable in the parameter file.')
  @secure()
  uri: string
}

@export()
@description('Alerts and who hears of them, beside the action groups that are attached.')
type alertSettings = {
  @description('Addresses that get mail.')
  emails: string[]

  @description('Webhooks that get the common alert schema.')
  webhooks: webhook[]

  @description('What of a rule is set otherwise.')
  rules: alertOverrides
}

@export()
@description('The availability test of /api/health.')
type availabilitySettings = {
  @description('False: none.')
  enabled: bool

  @description('Seconds between two tests from one place.')
  frequency: 300 | 600 | 900

  @description('Places, by the ids of Application Insights, such as `emea-nl-ams-azr`.')
  locations: string[]

  @description('So many places must fail at once.')
  failedLocations: int
}

@export()
@description('A budget of the resource group. Mail goes to the addresses of the alerts, and to the owners.')
type budgetSettings = {
  @description('A month, in the currency of the subscription.')
  amount: int

  @description('First day of a month: when first deployed, of this month or a later one. Cannot be changed afterwards.')
  startDate: string
}
