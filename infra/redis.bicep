// A Redis that is made, or is there, and what the watch may do on it.
import { privateAccess, texts } from 'types/app.bicep'
import { redisSettings } from 'types/caches.bicep'

@description('In names that must be unique.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Which.')
param redis redisSettings

@description('The app\'s identity.')
param identityId string

@description('Its object id.')
param principalId string

@description('How a new one is reached; null for its public endpoint.')
param access privateAccess?

@description('Workspace for diagnostics.')
param workspaceId string

@description('Name of the Redis.')
var name = redis.?name ?? 'redis-${token}'

@description('Resource group of the Redis.')
var group = redis.?resourceGroup ?? resourceGroup().name

module managed 'modules/redis.bicep' = if (redis.mode == 'new') {
  params: {
    name: name
    location: location
    tags: tags
    settings: redis
    access: access
    workspaceId: workspaceId
  }
}

module managedAccess 'modules/managedRedisAccess.bicep' = if (redis.mode == 'new' || redis.mode == 'existingManaged') {
  scope: resourceGroup(group)
  params: { name: name, identityId: identityId, principalId: principalId }
  dependsOn: [managed]
}

module cacheAccess 'modules/cacheForRedisAccess.bicep' = if (redis.mode == 'existingCache') {
  scope: resourceGroup(group)
  params: { name: name, identityId: identityId, principalId: principalId }
}

@description('Host name and port.')
output endpoint string = redis.mode == 'existingCache' ? cacheAccess!.outputs.endpoint : managedAccess!.outputs.endpoint
