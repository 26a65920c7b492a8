// Alerts, who hears of them, the availability test and the workbook.
import { alertSettings, availabilitySettings } from 'types/alerts.bicep'
import { texts } from 'types/app.bicep'
import { redisSettings } from 'types/caches.bicep'

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

@description('The name of its role in the workspace.')
param roleName string

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

module queries 'modules/queryAlerts.bicep' = {
  params: {
    prefix: prefix
    location: location
    tags: tags
    workspaceId: workspaceId
    actionGroupId: people.outputs.id
    runbookUrl: runbookUrl
    roleName: roleName
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
  params: {
    displayName: 'Token caches (${prefix})'
    location: location
    tags: tags
    workspaceId: workspaceId
    roleName: roleName
  }
}
