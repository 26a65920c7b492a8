// What is made anew, for trying out: databases, Redis, a ring with its vault.
import { privateAccess, texts } from 'types/app.bicep'
import { madeParts, principal } from 'types/made.bicep'

@description('What is made.')
param make madeParts

@description('Ends names that must be unique.')
param suffix string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Who administers the databases.')
param administrator principal

@description('How resources are reached; null for their public endpoints.')
param access privateAccess?

@description('Workspace for diagnostics; null for none.')
param workspaceId string?

@description('Nothing is deleted before its lock is.')
var lock = make.?lock ?? false

module sqlServer 'modules/sql.bicep' = if (make.?sql != null) {
  params: {
    name: 'sql-${suffix}'
    databaseName: 'tokencache'
    location: location
    tags: tags
    settings: make.?sql ?? {}
    administrator: administrator
    access: access
    workspaceId: workspaceId
    lock: lock
  }
}

module postgresServer 'modules/postgres.bicep' = if (make.?postgres != null) {
  params: {
    name: 'psql-${suffix}'
    databaseName: 'tokencache'
    location: location
    tags: tags
    settings: make.?postgres ?? {}
    // The API names an administrator by its object id; that of whoever deploys is known when it starts.
    #disable-next-line what-if-short-circuiting
    administrator: administrator
    access: access
    workspaceId: workspaceId
    lock: lock
  }
}

module redis 'modules/redis.bicep' = if (make.?redis != null) {
  params: {
    name: 'redis-${suffix}'
    location: location
    tags: tags
    settings: make.?redis ?? {}
    access: access
    workspaceId: workspaceId
  }
}

module ringStorage 'modules/storageAccount.bicep' = if (make.?keyRing != null) {
  params: {
    name: take('string${suffix}', 24)
    location: location
    tags: tags
    skuName: 'Standard_LRS'
    containers: ['dataprotection']
    keepVersions: true
    services: ['blob']
    access: access
    workspaceId: workspaceId
    logCategories: ['StorageRead', 'StorageWrite', 'StorageDelete']
    lock: lock
  }
}

module vault 'modules/keyVault.bicep' = if (make.?keyRing != null) {
  params: {
    name: take('kv-${suffix}', 24)
    location: location
    tags: tags
    recover: make.?recoverVault ?? false
    access: access
    workspaceId: workspaceId
    lock: lock
  }
}
