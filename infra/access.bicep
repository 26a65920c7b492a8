// The rights of the app and of the web apps on what is attached: each on the one resource, wherever it is.
import { containerOf, distinct, isAmong, isFirst, isManagedRedis, nameOf, partName, storeKind, topName } from 'attached.bicep'
import { consumerPolicy, holder, redisIds, redisPermissions, redisUses } from 'roles.bicep'
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
var blobs = filter(
  keyRings,
  ring => storeKind(ring.store) == 'blob' && !isAmong(containerOf(ring.store), printRolesFor)
)

@description('Two rings in one container, of the same mode, give the same rights: these come once.')
var blobRights = map(blobs, ring => '${containerOf(ring.store)} ${ring.mode}')

@description('Keys that take rights from here, each once.')
var vaultKeys = filter(
  distinct(map(filter(keyRings, ring => ring.?vaultKey != null), ring => ring.vaultKey!)),
  id => !isAmong(id, printRolesFor)
)

@description('Redis that take rights from here, each once.')
var redisTaking = redisUses(filter(redisIds(redis, keyRings), id => !isAmong(id, printRolesFor)), redis, keyRings)

@description('Workspaces that take rights from here, each once.')
var workspaceIds = filter(distinct(map(webApps, app => app.workspaceId)), id => !isAmong(id, printRolesFor))

module containerRoles 'modules/containerRole.bicep' = [
  for ring in filter(blobs, (ring, at) => isFirst(blobRights, at)): {
    scope: resourceGroup(split(ring.store, '/')[2], split(ring.store, '/')[4])
    params: {
      accountName: topName(ring.store)
      containerName: nameOf(containerOf(ring.store))
      mode: ring.mode
      holders: holders
    }
  }
]

module vaultKeyRoles 'modules/vaultKeyRole.bicep' = [
  for id in vaultKeys: {
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: { vaultName: topName(id), name: partName(id), holders: holders }
  }
]

module managedRedisAccess 'modules/managedRedisAccess.bicep' = [
  for use in filter(redisTaking, use => isManagedRedis(use.id)): {
    scope: resourceGroup(split(use.id, '/')[2], split(use.id, '/')[4])
    params: { name: topName(use.id), environmentName: environmentName, holders: holders, watched: use.watched }
  }
]

module cacheForRedisAccess 'modules/cacheForRedisAccess.bicep' = [
  for use in filter(redisTaking, use => !isManagedRedis(use.id)): {
    scope: resourceGroup(split(use.id, '/')[2], split(use.id, '/')[4])
    params: {
      name: topName(use.id)
      environmentName: environmentName
      holders: holders
      watched: use.watched
      permissions: redisPermissions(use)
      consumerPolicy: consumerPolicy(use)
    }
  }
]

module componentRole 'modules/componentRole.bicep' = if (componentId != null && !isAmong(componentId!, printRolesFor)) {
  scope: resourceGroup(split(componentId!, '/')[2], split(componentId!, '/')[4])
  params: { name: nameOf(componentId!), principalId: holders[0].principalId }
}

module workspaceRoles 'modules/workspaceRole.bicep' = [
  for id in workspaceIds: {
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: { name: nameOf(id), principalId: holders[0].principalId }
  }
]
