import { zoneNames } from '../privateZones.bicep'
import { privateAccess, texts } from '../types/app.bicep'

@description('Name of the account.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Copies of the data.')
param skuName 'Standard_LRS' | 'Standard_ZRS'

@description('Containers, none of them public.')
param containers string[]

@description('True: every version of a blob is kept, and what is deleted can be brought back.')
param keepVersions bool

@description('Services that the app uses; those are reached privately and have diagnostics.')
param services ('blob' | 'queue' | 'table')[]

@description('How it is reached; null for its public endpoint.')
param access privateAccess?

@description('Workspace for diagnostics; null for none.')
param workspaceId string?

@description('Categories of its logs that are kept.')
param logCategories ('StorageRead' | 'StorageWrite' | 'StorageDelete')[]

@description('True: it cannot be deleted before its lock is.')
param lock bool

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: skuName }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: access == null ? 'Enabled' : 'Disabled'
    networkAcls: { defaultAction: access == null ? 'Allow' : 'Deny', bypass: 'None' }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: keepVersions
    deleteRetentionPolicy: { enabled: true, days: keepVersions ? 90 : 7 }
    containerDeleteRetentionPolicy: { enabled: true, days: keepVersions ? 90 : 7 }
  }

  resource container 'containers' = [
    for container in containers: { name: container, properties: { publicAccess: 'None' } }
  ]
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource files 'Microsoft.Storage/storageAccounts/fileServices@2025-06-01' = {
  parent: account
  name: 'default'
}

@description('What diagnostics keep.')
var logs = map(logCategories, category => { category: category, enabled: true })

resource blobDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (workspaceId != null) {
  name: 'to-workspace'
  scope: blobs
  properties: { workspaceId: workspaceId, logs: logs }
}

resource queueDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (workspaceId != null) {
  name: 'to-workspace'
  scope: queues
  properties: { workspaceId: workspaceId, logs: logs }
}

resource tableDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (workspaceId != null) {
  name: 'to-workspace'
  scope: tables
  properties: { workspaceId: workspaceId, logs: logs }
}

resource fileDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (workspaceId != null) {
  name: 'to-workspace'
  scope: files
  properties: { workspaceId: workspaceId, logs: logs }
}

resource kept 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'keep'
  scope: account
  properties: { level: 'CanNotDelete', notes: 'It holds what cannot be had again: sign-ins, master keys.' }
}

module endpoints 'privateEndpoint.bicep' = [
  for service in services: if (access != null) {
    params: {
      name: 'pe-${name}-${service}'
      location: location
      tags: tags
      subnetId: access!.subnetId
      serviceId: account.id
      groupId: service
      zoneId: access!.zoneIds[?zoneNames()[service]]
    }
  }
]
