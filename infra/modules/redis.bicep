import { zoneNames } from '../privateZones.bicep'
import { privateAccess, texts } from '../types/app.bicep'
import { madeRedis } from '../types/made.bicep'

@description('Name of the cache.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Size and redundancy.')
param settings madeRedis

@description('How it is reached; null for its public endpoint.')
param access privateAccess?

@description('Workspace for diagnostics; null for none.')
param workspaceId string?

resource cache 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: settings.?skuName ?? 'Balanced_B0' }
  properties: {
    minimumTlsVersion: '1.2'
    highAvailability: (settings.?highAvailability ?? false) ? 'Enabled' : 'Disabled'
    publicNetworkAccess: access == null ? 'Enabled' : 'Disabled'
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: cache
  name: 'default'
  properties: {
    accessKeysAuthentication: 'Disabled'
    clientProtocol: 'Encrypted'
    // One endpoint for every client; .NET's library and the watch need no cluster protocol.
    clusteringPolicy: 'EnterpriseCluster'
    // Entries have an expiry: the least recently used go first, and what has none stays.
    evictionPolicy: 'VolatileLRU'
    port: 10000
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (workspaceId != null) {
  name: 'to-workspace'
  scope: database
  properties: { workspaceId: workspaceId, logs: [{ category: 'ConnectionEvents', enabled: true }] }
}

module endpoint 'privateEndpoint.bicep' = if (access != null) {
  params: {
    name: 'pe-${name}'
    location: location
    tags: tags
    subnetId: access!.subnetId
    serviceId: cache.id
    groupId: 'redisEnterprise'
    zoneId: access!.zoneIds[?zoneNames().redisEnterprise]
  }
  dependsOn: [database]
}
