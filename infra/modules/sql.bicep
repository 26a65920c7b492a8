import { zoneNames } from '../privateZones.bicep'
import { privateAccess, texts } from '../types/app.bicep'
import { madeSql, principal } from '../types/made.bicep'

@description('Name of the server.')
param name string

@description('Name of the database.')
param databaseName string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Size and redundancy.')
param settings madeSql

@description('Who makes the users: the only administrator of the server.')
param administrator principal

@description('How it is reached; null for its public endpoint.')
param access privateAccess?

@description('Workspace for diagnostics; null for none.')
param workspaceId string?

@description('True: it cannot be deleted before its lock is.')
param lock bool

@description('SKU of the database.')
var skuName = settings.?skuName ?? 'S0'

@description('Serverless ones have a minimum capacity and a delay until they pause.')
var serverless = startsWith(skuName, 'GP_S_')

resource server 'Microsoft.Sql/servers@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    minimalTlsVersion: '1.2'
    publicNetworkAccess: access == null ? 'Enabled' : 'Disabled'
    administrators: {
      administratorType: 'ActiveDirectory'
      principalType: administrator.kind == 'ServicePrincipal' ? 'Application' : administrator.kind
      azureADOnlyAuthentication: true
      login: administrator.name
      sid: administrator.objectId
      tenantId: tenant().tenantId
    }
  }
}

// Flex Consumption has no fixed outgoing addresses: without a network, Azure's own are let in, and the Entra login decides.
resource azureAddresses 'Microsoft.Sql/servers/firewallRules@2025-01-01' = if (access == null) {
  parent: server
  name: 'AllowAllWindowsAzureIps'
  properties: { startIpAddress: '0.0.0.0', endIpAddress: '0.0.0.0' }
}

resource database 'Microsoft.Sql/servers/databases@2025-01-01' = {
  parent: server
  name: databaseName
  location: location
  tags: tags
  sku: { name: skuName }
  properties: {
    // A cache is never restored to another region.
    requestedBackupStorageRedundancy: (settings.?zoneRedundant ?? false) ? 'Zone' : 'Local'
    zoneRedundant: settings.?zoneRedundant ?? false
    // The shortest delay; the timers keep it from pausing for longer than their intervals.
    autoPauseDelay: serverless ? 15 : null
    minCapacity: serverless ? json('0.5') : null
  }
}

// Who logged in, and what was changed: it goes to the workspace by the diagnostic setting of `master`.
resource auditing 'Microsoft.Sql/servers/auditingSettings@2025-01-01' = if (workspaceId != null) {
  parent: server
  name: 'default'
  properties: {
    state: 'Enabled'
    isAzureMonitorTargetEnabled: true
    auditActionsAndGroups: [
      'SUCCESSFUL_DATABASE_AUTHENTICATION_GROUP'
      'FAILED_DATABASE_AUTHENTICATION_GROUP'
      'DATABASE_PRINCIPAL_CHANGE_GROUP'
      'DATABASE_PERMISSION_CHANGE_GROUP'
      'SCHEMA_OBJECT_PERMISSION_CHANGE_GROUP'
    ]
  }
  dependsOn: [audits]
}

resource master 'Microsoft.Sql/servers/databases@2025-01-01' existing = {
  parent: server
  name: 'master'
}

resource audits 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (workspaceId != null) {
  name: 'to-workspace'
  scope: master
  properties: { workspaceId: workspaceId, logs: [{ category: 'SQLSecurityAuditEvents', enabled: true }] }
  dependsOn: [database]
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (workspaceId != null) {
  name: 'to-workspace'
  scope: database
  properties: {
    workspaceId: workspaceId
    // Not the statistics of statements: they stay in Query Store, where the purge reads them.
    logs: [
      { category: 'Errors', enabled: true }
      { category: 'Timeouts', enabled: true }
      { category: 'Blocks', enabled: true }
      { category: 'Deadlocks', enabled: true }
    ]
  }
}

resource kept 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'keep'
  scope: server
  properties: { level: 'CanNotDelete', notes: 'It holds what cannot be had again: sign-ins, master keys.' }
}

module endpoint 'privateEndpoint.bicep' = if (access != null) {
  params: {
    name: 'pe-${name}'
    location: location
    tags: tags
    subnetId: access!.subnetId
    serviceId: server.id
    groupId: 'sqlServer'
    zoneId: access!.zoneIds[?zoneNames().sqlServer]
  }
}
