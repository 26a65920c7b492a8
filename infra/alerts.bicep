// Alerts, who hears of them, the availability test and the workbook.
import { alertSettings, availabilitySettings } from 'types/alerts.bicep'
import { texts } from 'types/app.bicep'
import { redisSettings } from 'types/caches.bicep'
import { redisCacheName } from 'settings.bicep'

@description('Begins the names.')
param prefix string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Workspace that is asked.')
param workspaceId string

@description('Application Insights component.')
param componentId string

@description('Host name of the function app.')
param hostName string

@description('Redis cache.')
param redis redisSettings

@description('Resource id of the Redis.')
param redisId string

@description('Alerts.')
param alerts alertSettings

@description('Availability test.')
param availability availabilitySettings

@description('The runbook.')
param runbookUrl string

module people 'modules/actionGroup.bicep' = {
  params: { name: prefix, tags: tags, emails: alerts.emails, webhooks: alerts.webhooks }
}

@description('Checks of the app that the rules by metrics below tell as well, as far as these are switched on.')
var toldByPlatform = filter(
  redis.mode == 'none' ? [] : ['redis-memory-high', 'redis-memory-critical', 'redis-evictions'],
  check => alerts.rules[?replace(check, 'redis-', 'redis-platform-')].?enabled ?? true
)

module queries 'modules/queryAlerts.bicep' = {
  params: {
    prefix: prefix
    location: location
    tags: tags
    workspaceId: workspaceId
    actionGroupId: people.outputs.id
    runbookUrl: runbookUrl
    toldByPlatform: { subject: 'cache ${redisCacheName(redis)}', checks: toldByPlatform }
    overrides: alerts.rules
  }
}

module platform 'modules/redisAlerts.bicep' = if (redis.mode != 'none') {
  params: {
    prefix: prefix
    tags: tags
    redisId: redisId
    namespace: redis.mode == 'existingCache' ? 'Microsoft.Cache/redis' : 'Microsoft.Cache/redisEnterprise'
    actionGroupId: people.outputs.id
    runbookUrl: runbookUrl
    overrides: alerts.rules
  }
}

module health 'modules/availability.bicep' = if (availability.enabled) {
  params: {
    prefix: prefix
    location: location
    tags: tags
    componentId: componentId
    hostName: hostName
    settings: availability
    actionGroupId: people.outputs.id
    runbookUrl: runbookUrl
    override: alerts.rules[?'health-failing'] ?? {}
  }
}

module workbook 'modules/workbook.bicep' = {
  params: { displayName: 'Token caches (${prefix})', location: location, tags: tags, workspaceId: workspaceId }
}
