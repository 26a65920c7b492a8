import { zoneNames } from '../privateZones.bicep'
import { privateAccess, texts } from '../types/app.bicep'
import { madePostgres, principal } from '../types/made.bicep'

@description('Name of the server.')
param name string

@description('Name of the database.')
param databaseName string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Size and redundancy.')
param settings madePostgres

@description('Who makes the roles: the only administrator of the server.')
param administrator principal

@description('How it is reached; null for its public endpoint.')
param access privateAccess?

@description('Workspace for diagnostics; null for none.')
param workspaceId string?

@description('True: it cannot be deleted before its lock is.')
param lock bool

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: settings.?skuName ?? 'Standard_B1ms', tier: settings.?skuTier ?? 'Burstable' }
  properties: {
    version: '17'
    createMode: 'Default'
    authConfig: { activeDirectoryAuth: 'Enabled', passwordAuth: 'Disabled', tenantId: tenant().tenantId }
    storage: { storageSizeGB: 32, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: 7, geoRedundantBackup: 'Disabled' }
    highAvailability: { mode: (settings.?zoneRedundant ?? false) ? 'ZoneRedundant' : 'Disabled' }
    network: { publicNetworkAccess: access == null ? 'Enabled' : 'Disabled' }
  }
}

resource tls 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = {
  parent: server
  name: 'ssl_min_protocol_version'
  properties: { source: 'user-override', value: 'TLSv1.2' }
}

resource administrators 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2025-08-01' = {
  parent: server
  name: administrator.objectId
  properties: {
    principalType: administrator.kind
    principalName: administrator.name
    tenantId: tenant().tenantId
  }
  // The server takes one change at a time.
  dependsOn: [tls]
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2025-08-01' = {
  parent: server
  name: databaseName
  properties: { charset: 'UTF8', collation: 'en_US.utf8' }
  dependsOn: [administrators]
}

// As for SQL: without a network, Azure's own addresses are let in, and the Entra login decides.
resource azureAddresses 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2025-08-01' = if (access == null) {
  parent: server
  name: 'AllowAllAzureServicesAndResourcesWithinAzureIps'
  properties: { startIpAddress: '0.0.0.0', endIpAddress: '0.0.0.0' }
  dependsOn: [database]
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (workspaceId != null) {
  name: 'to-workspace'
  scope: server
  properties: { workspaceId: workspaceId, logs: [{ category: 'PostgreSQLLogs', enabled: true }] }
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
    groupId: 'postgresqlServer'
    zoneId: access!.zoneIds[?zoneNames().postgresqlServer]
  }
  dependsOn: [database]
}
