// What is deployed, and why, stands in docs/deployment.md.
import { alertSettings, availabilitySettings, budgetSettings } from 'types/alerts.bicep'
import { appSettings, inboundSettings, networkSettings, signInSettings, texts } from 'types/app.bicep'
import { keyRingSettings, postgresSettings, redisSettings, sqlSettings } from 'types/caches.bicep'
import { isServerless } from 'settings.bicep'
import { privateZones } from 'privateZones.bicep'

targetScope = 'resourceGroup'

@description('Name of the environment, in names and tags.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Region.')
param location string = resourceGroup().location

@description('More tags, beside that of azd.')
param tags texts = {}

@description('Instances of the function app.')
param app appSettings

@description('Who reaches the function app.')
param inbound inboundSettings

@description('Easy Auth; null for function keys alone.')
param signIn signInSettings?

@description('Virtual network.')
param network networkSettings

@description('SQL Server cache.')
param sql sqlSettings

@description('PostgreSQL cache.')
param postgres postgresSettings

@description('Redis cache.')
param redis redisSettings

@description('Key ring.')
param keyRing keyRingSettings

@description('Settings of docs/settings.md that shall differ from their defaults, by name.')
param settings texts = {}

@description('Alerts.')
param alerts alertSettings

@description('Availability test.')
param availability availabilitySettings

@description('Budget; null for none.')
param budget budgetSettings?

@description('Days that logs and metrics are kept.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('Where the runbook is read: an alert links to its section.')
param runbookUrl string = 'docs/operations.md'

@description('On every resource.')
var allTags = { 'azd-env-name': environmentName, ...tags }

@description('In names that must be unique.')
var token = uniqueString(resourceGroup().id, environmentName)

@description('Name of the function app, and of its role in the workspace.')
var appName = 'func-${token}'

@description('Begins names that need not be unique.')
var prefix = 'token-cache-${environmentName}'

resource appIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${prefix}'
  location: location
  tags: allTags
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    workspaceName: 'log-${prefix}'
    componentName: 'appi-${prefix}'
    location: location
    tags: allTags
    retentionDays: retentionDays
    identityId: appIdentity.id
    principalId: appIdentity.properties.principalId
  }
}

@description('Names of the private DNS zones.')
var zones = privateZones(
  sql.mode == 'new',
  postgres.mode == 'new',
  redis.mode == 'new',
  keyRing.mode != 'none',
  sql.mode != 'none' || postgres.mode != 'none'
)

@description('Resource id of the Redis; empty where there is none.')
var redisId = redis.mode == 'none'
  ? ''
  : resourceId(
      redis.?resourceGroup ?? resourceGroup().name,
      redis.mode == 'existingCache' ? 'Microsoft.Cache/redis' : 'Microsoft.Cache/redisEnterprise',
      redis.?name ?? 'redis-${token}'
    )

@description('Name of the network.')
var networkName = 'vnet-${prefix}'

@description('How resources are reached: known before anything is there, so that a preview sees it.')
var access = network.enabled
  ? {
      subnetId: resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'endpoints')
      zoneIds: mapValues(zones, zone => resourceId('Microsoft.Network/privateDnsZones', zone))
    }
  : null

module privateNetwork 'network.bicep' = if (network.enabled) {
  params: {
    name: networkName
    location: location
    tags: allTags
    addressPrefix: network.?addressPrefix ?? '10.90.0.0/24'
    workspaceId: monitoring.outputs.workspaceId
    zones: zones
  }
}

module caches 'caches.bicep' = {
  params: {
    prefix: prefix
    token: token
    location: location
    tags: allTags
    identityId: appIdentity.id
    principalId: appIdentity.properties.principalId
    clientId: appIdentity.properties.clientId
    sql: sql
    postgres: postgres
    redis: redis
    access: access
    scriptSubnetId: network.enabled
      ? resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'scripts')
      : null
    scriptStorageAccount: network.?scriptStorageAccount
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [privateNetwork]
}

module function 'app.bicep' = {
  params: {
    name: appName
    token: token
    location: location
    tags: allTags
    app: app
    inbound: inbound
    signIn: signIn
    identityId: appIdentity.id
    principalId: appIdentity.properties.principalId
    clientId: appIdentity.properties.clientId
    telemetryTo: monitoring.outputs.connectionString
    workspaceId: monitoring.outputs.workspaceId
    access: access
    subnetId: network.enabled ? resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'app') : null
    sql: sql
    postgres: postgres
    redis: redis
    keyRing: keyRing
    redisEndpoint: caches.outputs.redisEndpoint
    redisId: redisId
    settings: settings
  }
  dependsOn: [privateNetwork]
}

module watch 'alerts.bicep' = {
  params: {
    prefix: prefix
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    componentId: monitoring.outputs.componentId
    hostName: function.outputs.hostName
    roleName: settings.?OTEL_SERVICE_NAME ?? appName
    redis: redis
    redisId: redisId
    alerts: alerts
    availability: availability
    runbookUrl: runbookUrl
  }
}

module cost 'modules/budget.bicep' = if (budget != null) {
  params: { name: prefix, settings: budget!, emails: alerts.emails }
}

@description('Name of the function app: azd deploys to it.')
output SERVICE_MAINTENANCE_NAME string = function.outputs.name

@description('Where the function app answers.')
output SERVICE_MAINTENANCE_URI string = 'https://${function.outputs.hostName}'

@description('Name of the database user or role of the app.')
output IDENTITY_NAME string = appIdentity.name

@description('Client id of the identity, for statements that you run yourself.')
output IDENTITY_CLIENT_ID string = appIdentity.properties.clientId

@description('What somebody who deploys this should know.')
output WARNINGS string[] = concat(
  isServerless(sql)
    ? [
        'The database is serverless: the timers wake it up to purge every half hour, and to count once an hour. S0 costs less where apps use the cache all day.'
      ]
    : [],
  empty(alerts.emails) && empty(alerts.webhooks) ? ['Nobody hears of an alert: name an address or a webhook.'] : [],
  inbound.denyByDefault && empty(inbound.allowedAddresses) ? ['Nobody may deploy: set AZURE_ALLOWED_ADDRESSES.'] : [],
  sql.mode == 'existing' && sql.?setupIdentity == null
    ? ['Create the database user yourself: infra/scripts/sqlUser.sql has the statements.']
    : []
)
