// The rights of the app and of the web apps on what is attached: each on the one resource, wherever it is.
import { containerOf, isAmong, isManagedRedis, nameOf, partName, topName } from 'attached.bicep'
import { holder } from 'roles.bicep'
import { keyRing, redisCache, webApp } from 'types/attached.bicep'

@description('Name of the environment.')
param environmentName string

@description('The app, and the web apps.')
param holders holder[]

@description('Redis.')
param redis redisCache[]

@description('Rings.')
param keyRings keyRing[]

@description('Web apps whose telemetry is read.')
param webApps webApp[]

@description('Application Insights; null for none.')
param componentId string?

@description('Ids of resources on which whoever deploys may give no rights: these are printed instead.')
param printRolesFor string[]

@description('Rings whose container takes rights from here.')
var rings = filter(keyRings, ring => !isAmong(containerOf(ring.container), printRolesFor))

@description('Rings whose key takes rights from here.')
var wrapped = filter(keyRings, ring => ring.?vaultKey != null && !isAmong(ring.vaultKey!, printRolesFor))

@description('Redis that take rights from here.')
var watched = filter(redis, cache => !isAmong(cache.id, printRolesFor))

module containerRoles 'modules/containerRole.bicep' = [
  for ring in rings: {
    scope: resourceGroup(split(ring.container, '/')[2], split(ring.container, '/')[4])
    params: {
      accountName: topName(ring.container)
      containerName: nameOf(containerOf(ring.container))
      mode: ring.mode
      holders: holders
    }
  }
]

module vaultKeyRoles 'modules/vaultKeyRole.bicep' = [
  for ring in wrapped: {
    scope: resourceGroup(split(ring.vaultKey!, '/')[2], split(ring.vaultKey!, '/')[4])
    params: { vaultName: topName(ring.vaultKey!), name: partName(ring.vaultKey!), holders: holders }
  }
]

module managedRedisAccess 'modules/managedRedisAccess.bicep' = [
  for cache in filter(watched, cache => isManagedRedis(cache.id)): {
    scope: resourceGroup(split(cache.id, '/')[2], split(cache.id, '/')[4])
    params: { name: topName(cache.id), environmentName: environmentName, holders: holders }
  }
]

module cacheForRedisAccess 'modules/cacheForRedisAccess.bicep' = [
  for cache in filter(watched, cache => !isManagedRedis(cache.id)): {
    scope: resourceGroup(split(cache.id, '/')[2], split(cache.id, '/')[4])
    params: { name: topName(cache.id), environmentName: environmentName, holders: holders }
  }
]

module componentRole 'modules/componentRole.bicep' = if (componentId != null && !isAmong(componentId!, printRolesFor)) {
  scope: resourceGroup(split(componentId!, '/')[2], split(componentId!, '/')[4])
  params: { name: nameOf(componentId!), principalId: holders[0].principalId }
}

module workspaceRoles 'modules/workspaceRole.bicep' = [
  for app in filter(webApps, app => !isAmong(app.workspaceId, printRolesFor)): {
    scope: resourceGroup(split(app.workspaceId, '/')[2], split(app.workspaceId, '/')[4])
    params: { name: nameOf(app.workspaceId), principalId: holders[0].principalId }
  }
]
