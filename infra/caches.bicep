// The caches, and the rights of the app's identity in each.
import { privateAccess, texts } from 'types/app.bicep'
import { postgresSettings, redisSettings, sqlSettings } from 'types/caches.bicep'
import { postgresHost, sqlDatabase, sqlHost } from 'settings.bicep'

@description('Begins names that need not be unique.')
param prefix string

@description('In names that must be unique.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('The app\'s identity. Its name is that of its database user and role.')
param identityId string

@description('Its object id.')
param principalId string

@description('Its client id.')
param clientId string

@description('SQL Server cache.')
param sql sqlSettings

@description('PostgreSQL cache.')
param postgres postgresSettings

@description('Redis cache.')
param redis redisSettings

@description('How resources are reached; null for their public endpoints.')
param access privateAccess?

@description('Subnet of the deployment scripts; null without a network.')
param scriptSubnetId string?

@description('Storage account of the deployment scripts, where it is not made here.')
param scriptStorageAccount string?

@description('Workspace for diagnostics.')
param workspaceId string

@description('A server is made, and with it the identity that administers it.')
var makesServer = sql.mode == 'new' || postgres.mode == 'new'

// The app's own identity administers nothing: another one makes its users, and is used for nothing else.
resource setup 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = if (makesServer) {
  name: 'id-${prefix}-setup'
  location: location
  tags: tags
}

@description('Name of the app\'s identity.')
var identityName = last(split(identityId, '/'))

module sqlServer 'modules/sql.bicep' = if (sql.mode == 'new') {
  params: {
    name: 'sql-${token}'
    databaseName: sqlDatabase(sql)
    location: location
    tags: tags
    settings: sql
    administrator: { objectId: setup!.properties.principalId, name: setup.name }
    access: access
    workspaceId: workspaceId
  }
}

module postgresServer 'modules/postgres.bicep' = if (postgres.mode == 'new') {
  params: {
    name: 'psql-${token}'
    databaseName: 'tokencache'
    location: location
    tags: tags
    settings: postgres
    // The API names an administrator by its object id, which is known only when the identity is there.
    #disable-next-line what-if-short-circuiting
    administrator: { objectId: setup!.properties.principalId, name: setup.name }
    access: access
    workspaceId: workspaceId
  }
}

module users 'databaseUsers.bicep' = {
  params: {
    prefix: prefix
    token: token
    location: location
    tags: tags
    identityName: identityName
    principalId: principalId
    clientId: clientId
    setupId: setup.id
    setupPrincipalId: makesServer ? setup!.properties.principalId : ''
    sql: sql
    sqlHost: sqlHost(sql, token)
    sqlDatabase: sqlDatabase(sql)
    postgres: postgres
    postgresHost: postgresHost(token)
    access: access
    scriptSubnetId: scriptSubnetId
    scriptStorageAccount: scriptStorageAccount
    workspaceId: workspaceId
  }
  dependsOn: [sqlServer, postgresServer]
}

module watchedRedis 'redis.bicep' = if (redis.mode != 'none') {
  params: {
    token: token
    location: location
    tags: tags
    redis: redis
    identityId: identityId
    principalId: principalId
    access: access
    workspaceId: workspaceId
  }
}

@description('Host name and port of the Redis; empty where there is none.')
output redisEndpoint string = watchedRedis.?outputs.endpoint ?? ''
