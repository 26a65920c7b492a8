// Where each Redis answers: only Azure knows. It is read, and nothing is deployed beside it.
import { isManagedRedis, topName } from 'attached.bicep'
import { place } from 'types/attached.bicep'
import { texts } from 'types/app.bicep'

@description('Where caches and rings are.')
param redis place[]

@description('Of the one kind.')
var managed = filter(redis, cache => isManagedRedis(cache.id))

@description('Of the other.')
var others = filter(redis, cache => !isManagedRedis(cache.id))

resource managedRedis 'Microsoft.Cache/redisEnterprise@2025-07-01' existing = [
  for cache in managed: {
    scope: resourceGroup(split(cache.id, '/')[2], split(cache.id, '/')[4])
    name: topName(cache.id)
  }
]

resource cacheForRedis 'Microsoft.Cache/redis@2024-11-01' existing = [
  for cache in others: {
    scope: resourceGroup(split(cache.id, '/')[2], split(cache.id, '/')[4])
    name: topName(cache.id)
  }
]

module strings 'redisConnections.bicep' = {
  params: {
    endpoints: [
      for (cache, index) in managed: {
        setting: cache.setting
        address: '${managedRedis[index].properties.hostName}:10000'
      }
    ]
    others: [
      for (cache, index) in others: {
        setting: cache.setting
        address: '${cacheForRedis[index].properties.hostName}:${cacheForRedis[index].properties.sslPort}'
      }
    ]
  }
}

@description('Connection strings, by the setting that holds each.')
output connectionStrings texts = strings.outputs.connectionStrings
