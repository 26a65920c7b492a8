@export()
@description('What of an alert rule may be set otherwise.')
type alertOverride = {
  @description('0 (critical) to 4 (verbose).')
  severity: (0 | 1 | 2 | 3 | 4)?

  @description('ISO 8601: the time that a query looks back.')
  window: string?

  @description('ISO 8601: how often the rule is evaluated. Every 15 minutes costs a third of every 5.')
  frequency: string?

  @description('The value above which (or, where the rule says so, below which) the alert fires.')
  threshold: int?

  @description('False switches the rule off.')
  enabled: bool?
}

@export()
@description('Overrides by the name of the rule, as in `infra/alertRules`.')
type alertOverrides = {
  @description('What of the rule is set otherwise.')
  *: alertOverride
}

@export()
@description('Where the common alert schema is posted to.')
type webhook = {
  @description('Shown in the action group.')
  name: string

  @description('https://…; where it holds a token, read it with readEnvironmentVariable in the parameter file.')
  uri: string
}

@export()
@description('Alerts and who hears of them.')
type alertSettings = {
  @description('Addresses that get mail.')
  emails: string[]

  @description('Webhooks that get the common alert schema.')
  webhooks: webhook[]

  @description('By the name of the rule, as in `infra/alertRules`.')
  rules: alertOverrides

  @description('Names of all the SQL caches, where `settings` gives TOKEN_CACHES others than are made or named here: silence of each is an alert.')
  sqlCaches: string[]?

  @description('Likewise of all the Redis caches.')
  redisCaches: string[]?

  @description('Likewise of all the key rings, where `settings` gives KEY_RINGS.')
  keyRings: string[]?
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
