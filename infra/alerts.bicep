// Alerts, who hears of them, the availability test and the workbook.
import { distinct, isAmong, isFirst, isManagedRedis, storeKind, topName, topOf } from 'attached.bicep'
import { postgresRules, redisRules, sqlRules, storageRules, vaultRules } from 'platformRules.bicep'
import { alertSettings, availabilitySettings } from 'types/alerts.bicep'
import { texts } from 'types/app.bicep'
import { keyRing, postgresCache, redisCache, sqlCache } from 'types/attached.bicep'

@description('Name of the environment.')
param environmentName string

@description('Begins the names.')
param prefix string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Workspace that is asked; null for none.')
param workspaceId string?

@description('Application Insights component, which the availability test belongs to; null for none.')
param componentId string?

@description('Action groups that are there.')
param actionGroupIds string[]

@description('Host name of the function app.')
param hostName string

@description('The name of its role in the workspace.')
param roleName string

@description('The app, its storage account, and all else that is made here.')
param ownIds string[]

@description('Storage account of the app.')
param storageId string

@description('SQL caches.')
param sql sqlCache[]

@description('PostgreSQL caches.')
param postgres postgresCache[]

@description('Redis caches.')
param redis redisCache[]

@description('Rings.')
param keyRings keyRing[]

@description('Alerts.')
param alerts alertSettings

@description('Availability test.')
param availability availabilitySettings

@description('The runbook.')
param runbookUrl string

@description('Somebody is named beside the groups that are there.')
var makesGroup = !empty(alerts.emails) || !empty(alerts.webhooks)

module people 'modules/actionGroup.bicep' = if (makesGroup) {
  params: { name: prefix, tags: tags, emails: alerts.emails, webhooks: alerts.webhooks }
}

@description('All who are told.')
var told = concat(actionGroupIds, makesGroup ? [people!.outputs.id] : [])

@description('The same, as other alerts have it.')
var actions = map(told, id => { actionGroupId: id })

module queries 'modules/queryAlerts.bicep' = if (workspaceId != null) {
  params: {
    prefix: prefix
    location: location
    tags: tags
    workspaceId: workspaceId!
    actionGroupIds: told
    runbookUrl: runbookUrl
    roleName: roleName
    overrides: alerts.rules
  }
}

@description('The caches of an engine, then its rings. No cache has a name with a dot.')
var sqlPlaces = concat(
  map(sql, cache => { subject: cache.name, id: cache.id }),
  map(filter(keyRings, ring => storeKind(ring.store) == 'sqlserver'), ring => {
    subject: '${ring.name}.ring'
    id: ring.store
  })
)

@description('The same of Redis.')
var redisPlaces = concat(
  map(redis, cache => { subject: cache.name, id: cache.id }),
  map(filter(keyRings, ring => storeKind(ring.store) == 'redis'), ring => {
    subject: '${ring.name}.ring'
    id: ring.store
  })
)

@description('Each resource once, whatever lies on it.')
var watched = concat(
  map(filter(sqlPlaces, (each, at) => isFirst(map(sqlPlaces, other => other.id), at)), each => {
    ...each
    namespace: 'Microsoft.Sql/servers/databases'
    rules: sqlRules
  }),
  map(
    distinct(concat(
      map(postgres, cache => topOf(cache.id)),
      map(filter(keyRings, ring => storeKind(ring.store) == 'postgres'), ring => topOf(ring.store))
    )),
    id => {
      subject: topName(id)
      id: id
      namespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
      rules: postgresRules
    }
  ),
  map(filter(redisPlaces, (each, at) => isFirst(map(redisPlaces, other => other.id), at)), each => {
    ...each
    namespace: isManagedRedis(each.id) ? 'Microsoft.Cache/redisEnterprise' : 'Microsoft.Cache/redis'
    rules: redisRules
  }),
  map(
    distinct(map(filter(keyRings, ring => ring.?vaultKey != null), ring => topOf(ring.vaultKey!))),
    id => { subject: topName(id), id: id, namespace: 'Microsoft.KeyVault/vaults', rules: vaultRules }
  ),
  map(
    distinct(concat(
      [storageId],
      map(filter(keyRings, ring => storeKind(ring.store) == 'blob'), ring => topOf(ring.store))
    )),
    id => {
      subject: topName(id)
      id: id
      namespace: 'Microsoft.Storage/storageAccounts'
      rules: storageRules
    }
  )
)

module platform 'modules/metricAlerts.bicep' = [
  for each in watched: {
    params: {
      prefix: prefix
      subject: each.subject
      tags: tags
      resourceId: each.id
      namespace: each.namespace
      rules: each.rules
      actions: actions
      runbookUrl: runbookUrl
      overrides: alerts.rules
    }
  }
]

module activity 'modules/activityAlerts.bicep' = {
  params: {
    prefix: prefix
    tags: tags
    actions: actions
    runbookUrl: runbookUrl
    resourceIds: union(
      ownIds,
      map(filter(watched, each => isAmong(split(each.id, '/')[2], [subscription().subscriptionId])), each => each.id)
    )
  }
}

module health 'modules/availability.bicep' = if (availability.enabled && componentId != null) {
  params: {
    prefix: prefix
    location: location
    tags: tags
    componentId: componentId!
    hostName: hostName
    settings: availability
    actions: actions
    runbookUrl: runbookUrl
    override: alerts.rules[?'health-failing'] ?? {}
  }
}

module workbook 'modules/workbook.bicep' = if (workspaceId != null) {
  params: {
    displayName: 'Token caches (${prefix})'
    location: location
    tags: tags
    environmentName: environmentName
    workspaceId: workspaceId!
    roleName: roleName
  }
}
