// What is deployed, and why, stands in docs/deployed.md and docs/deployment.md.
import { nameOf } from 'attached.bicep'
import { azureCommands, databaseGrant, databaseGrants } from 'grants.bicep'
import { neededZones } from 'privateZones.bicep'
import { cacheSettings, connectionStrings, places, roleOf, telemetrySettings } from 'settings.bicep'
import { isServerless, warnings } from 'warnings.bicep'
import { alertSettings, availabilitySettings, budgetSettings } from 'types/alerts.bicep'
import { appSettings, inboundSettings, privateAccess, signInSettings, texts } from 'types/app.bicep'
import { attachedMonitoring, attachedNetwork, consumer, keyRing, postgresCache, redisCache, sqlCache, webApp } from 'types/attached.bicep'
import { madeParts, principal } from 'types/made.bicep'

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
param app appSettings = { nodeVersion: '24', instanceMemoryMB: 512, maximumInstanceCount: 40, zoneRedundant: false }

@description('Who reaches the function app.')
param inbound inboundSettings = { access: 'public', allowedAddresses: [] }

@description('Easy Auth; null for function keys alone.')
param signIn signInSettings?

@description('Azure SQL databases that are there.')
param sql sqlCache[] = []

@description('PostgreSQL databases that are there.')
param postgres postgresCache[] = []

@description('Redis that are there.')
param redis redisCache[] = []

@description('Key rings that are there.')
param keyRings keyRing[] = []

@description('Web apps.')
param consumers consumer[] = []

@description('Web apps whose own telemetry is read.')
param webApps webApp[] = []

@description('Network that is there; null for public endpoints.')
param network attachedNetwork?

@description('Monitoring that is there.')
param monitoring attachedMonitoring = {}

@description('What is made anew.')
param make madeParts = {}

@description('Settings of docs/reference/settings.md that shall differ from their defaults, by name.')
param settings texts = {}

@description('Alerts.')
param alerts alertSettings = { emails: [], webhooks: [], rules: {} }

@description('Availability test.')
param availability availabilitySettings = { enabled: false, frequency: 900, locations: [], failedLocations: 2 }

@description('Budget; null for none.')
param budget budgetSettings?

@description('Ids of attached resources on which whoever deploys may give no rights: the commands are printed. The hook `preprovision` finds them out.')
param printRolesFor string[] = []

@description('https address of the package of a release, which is then deployed as well; empty where azd deploys it.')
param packageUri string = ''

@description('Where the runbook is read: alerts and findings link to its sections.')
param runbookUrl string = 'docs/runbook'

@description('On every resource.')
var allTags = { 'azd-env-name': environmentName, ...tags }

@description('Ends names that must be unique.')
var suffix = uniqueString(resourceGroup().id, environmentName)

@description('Begins names that need not be unique.')
var prefix = 'token-cache-${environmentName}'

@description('Name of the function app, and of its role in the workspace.')
var appName = 'func-${suffix}'

@description('Name of its storage account.')
var accountName = take('sthost${suffix}', 24)

@description('What is made is then used as if it had been there.')
var made = {
  sql: resourceId('Microsoft.Sql/servers/databases', 'sql-${suffix}', 'tokencache')
  postgres: resourceId('Microsoft.DBforPostgreSQL/flexibleServers/databases', 'psql-${suffix}', 'tokencache')
  redis: resourceId('Microsoft.Cache/redisEnterprise', 'redis-${suffix}')
  container: resourceId(
    'Microsoft.Storage/storageAccounts/blobServices/containers',
    take('string${suffix}', 24),
    'default',
    'dataprotection'
  )
  vaultKey: resourceId('Microsoft.KeyVault/vaults/keys', take('kv-${suffix}', 24), 'dataprotection-key')
  workspace: resourceId('Microsoft.OperationalInsights/workspaces', 'log-${prefix}')
  component: resourceId('Microsoft.Insights/components', 'appi-${prefix}')
}

@description('All Azure SQL caches.')
var allSql = concat(sql, make.?sql == null ? [] : [{ name: 'web', id: made.sql }])

@description('All PostgreSQL caches.')
var allPostgres = concat(postgres, make.?postgres == null ? [] : [{ name: 'postgres', id: made.postgres }])

@description('All Redis caches.')
var allRedis = concat(redis, make.?redis == null ? [] : [{ name: 'redis', id: made.redis }])

@description('All rings.')
var allRings = concat(
  keyRings,
  make.?keyRing == null
    ? []
    : [{ name: 'web', mode: make.?keyRing ?? 'observe', store: made.container, vaultKey: made.vaultKey }]
)

@description('Workspace; null for none.')
var workspaceId = monitoring.?workspaceId ?? (make.?monitoring == null ? null : made.workspace)

@description('Application Insights; null for none.')
var componentId = monitoring.?componentId ?? (make.?monitoring == null ? null : made.component)

@description('Names of the private DNS zones of a network made here.')
var zones = make.?network == null ? [] : neededZones(make)

@description('Name of a network made here.')
var networkName = 'vnet-${prefix}'

@description('How what is made here is reached: known before anything is there, so that a preview sees it.')
var access privateAccess? = make.?network != null
  ? {
      subnetId: resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'endpoints')
      zoneIds: toObject(zones, zone => zone, zone => resourceId('Microsoft.Network/privateDnsZones', zone))
    }
  : network.?endpointSubnetId == null
      ? null
      : {
          subnetId: network.?endpointSubnetId ?? ''
          zoneIds: toObject(network.?zoneIds ?? [], id => nameOf(id))
        }

@description('Who administers the databases made here.')
var administrator principal = make.?administrator ?? {
  objectId: deployer().objectId
  name: empty(deployer().userPrincipalName) ? deployer().objectId : deployer().userPrincipalName
  kind: empty(deployer().userPrincipalName) ? 'ServicePrincipal' : 'User'
}

resource appIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${prefix}'
  location: location
  tags: allTags
}

@description('The app first, then the web apps.')
var holders = concat(
  [{ principalId: appIdentity.properties.principalId, isApp: true }],
  map(consumers, consumer => { principalId: consumer.principalId, isApp: false })
)

module ownMonitoring 'modules/monitoring.bicep' = if (make.?monitoring != null) {
  params: {
    workspaceName: nameOf(made.workspace)
    componentName: nameOf(made.component)
    location: location
    tags: allTags
    retentionDays: make.?monitoring.?retentionDays ?? 30
  }
}

module privateNetwork 'network.bicep' = if (make.?network != null) {
  params: {
    name: networkName
    location: location
    tags: allTags
    addressPrefix: make.?network.?addressPrefix ?? '10.90.0.0/24'
    workspaceId: workspaceId
    zones: zones
  }
  dependsOn: [ownMonitoring]
}

module monitorScope 'privateLinkScope.bicep' = if (monitoring.?privateLinkScopeId != null || (make.?network.?monitorPrivately ?? false)) {
  params: {
    scopeId: monitoring.?privateLinkScopeId
    prefix: prefix
    location: location
    tags: allTags
    access: access
    resourceIds: make.?monitoring == null ? [] : [made.workspace, made.component]
  }
  dependsOn: [ownMonitoring, privateNetwork]
}

module parts 'made.bicep' = {
  params: {
    make: make
    suffix: suffix
    location: location
    tags: allTags
    administrator: administrator
    access: access
    workspaceId: workspaceId
  }
  dependsOn: [ownMonitoring, privateNetwork]
}

module rights 'access.bicep' = {
  params: {
    environmentName: environmentName
    // Assignments are named by the object id, so that an identity that is made again gets its own.
    #disable-next-line what-if-short-circuiting
    holders: holders
    redis: allRedis
    keyRings: allRings
    webApps: webApps
    componentId: componentId
    printRolesFor: printRolesFor
  }
  dependsOn: [parts]
}

module endpoints 'redisEndpoints.bicep' = if (!empty(places(allRedis, allRings, 'redis'))) {
  params: { redis: places(allRedis, allRings, 'redis') }
  dependsOn: [parts]
}

module workspaces 'workspaceIds.bicep' = if (!empty(webApps)) {
  params: { webApps: webApps }
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = if (componentId != null) {
  scope: resourceGroup(split(componentId ?? '////', '/')[2], split(componentId ?? '////', '/')[4])
  name: nameOf(componentId ?? '')
}

module function 'app.bicep' = {
  params: {
    name: appName
    accountName: accountName
    location: location
    tags: allTags
    app: app
    inbound: inbound
    signIn: signIn
    identityId: appIdentity.id
    // As above: assignments are named by it.
    #disable-next-line what-if-short-circuiting
    principalId: appIdentity.properties.principalId
    clientId: appIdentity.properties.clientId
    access: access
    subnetId: make.?network != null
      ? resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'app')
      : network.?appSubnetId
    packageUri: packageUri
    workspaceId: workspaceId
    settings: {
      ...(componentId == null
        ? {}
        : telemetrySettings(component!.properties.ConnectionString, appIdentity.properties.clientId))
      ...cacheSettings(allSql, allPostgres, allRedis, allRings, webApps)
      ...connectionStrings(allSql, allPostgres, allRings, appIdentity.name, appIdentity.properties.clientId)
      ...(empty(places(allRedis, allRings, 'redis')) ? {} : endpoints!.outputs.connectionStrings)
      ...(empty(webApps) ? {} : workspaces!.outputs.settings)
      // Half-hourly purges leave a serverless database time to pause; counts every 5 minutes would not.
      RUNBOOK_URL: runbookUrl
      ...(isServerless(make) ? { SCHEDULE_COUNTS: '0 5 * * * *' } : {})
      ...settings
    }
  }
  // It starts with its rights, rather than fail until they are there.
  dependsOn: [rights, ownMonitoring, monitorScope]
}

module watch 'alerts.bicep' = {
  params: {
    environmentName: environmentName
    prefix: prefix
    location: location
    tags: allTags
    workspaceId: workspaceId
    componentId: componentId
    actionGroupIds: monitoring.?actionGroupIds ?? []
    hostName: function.outputs.hostName
    roleName: roleOf(settings, appName)
    storageId: resourceId('Microsoft.Storage/storageAccounts', accountName)
    ownIds: [resourceGroup().id]
    sql: allSql
    postgres: allPostgres
    redis: allRedis
    keyRings: allRings
    alerts: alerts
    // Nothing outside reaches an app that is closed: its health is watched from inside, by its findings and its silence.
    availability: { ...availability, enabled: availability.enabled && inbound.access != 'private' }
    runbookUrl: runbookUrl
  }
}

module cost 'modules/budget.bicep' = if (budget != null) {
  params: { name: prefix, settings: budget!, emails: alerts.emails }
}

@description('Name of the function app: azd deploys to it.')
output SERVICE_MAINTENANCE_NAME string = appName

@description('Where the function app answers.')
output SERVICE_MAINTENANCE_URI string = 'https://${function.outputs.hostName}'

@description('The app is reached from its network alone.')
output APP_IS_PRIVATE bool = inbound.access == 'private'

@description('Name of the identity, and of its database user.')
output IDENTITY_NAME string = appIdentity.name

@description('Client id of the identity, by which Azure SQL knows it.')
output IDENTITY_CLIENT_ID string = appIdentity.properties.clientId

@description('Object id of the identity, by which PostgreSQL knows it.')
output IDENTITY_PRINCIPAL_ID string = appIdentity.properties.principalId

@description('The web apps.')
output CONSUMERS consumer[] = consumers

@description('The databases in which `token-cache grant` is to run.')
output DATABASES databaseGrant[] = databaseGrants(allSql, allPostgres, allRings, made, administrator.name)

@description('Rights that the deployment could not give, as commands for somebody who may.')
output GRANT_COMMANDS string[] = azureCommands(holders, allRedis, allRings, webApps, componentId, printRolesFor)

@description('What somebody who deploys this should know.')
// Whether there is a webhook is told, and not its address.
#disable-next-line outputs-should-not-contain-secrets
output WARNINGS string[] = warnings(make, inbound, workspaceId, componentId, alerts, monitoring)
