import { holder, readsMetrics } from '../roles.bicep'

@description('Name of the Azure Cache for Redis. Entra authentication must be on.')
param name string

@description('Name of the environment: several may look at one Redis.')
param environmentName string

@description('Who gets rights.')
param holders holder[]

@description('A cache lies there, whose metrics the app reads.')
param watched bool

@description('What the app may.')
param permissions string

@description('The policy of a web app.')
param consumerPolicy string

@description('Those of them that read its metrics.')
var readers = filter(holders, holder => holder.isApp && watched)

resource cache 'Microsoft.Cache/redis@2024-11-01' existing = {
  name: name
}

resource policy 'Microsoft.Cache/redis/accessPolicies@2024-11-01' = {
  parent: cache
  name: 'token-cache-watch-${environmentName}'
  properties: { permissions: permissions }
}

// The policies of a web app are built in. One after the other, as the cache takes them.
@batchSize(1)
resource assignments 'Microsoft.Cache/redis/accessPolicyAssignments@2024-11-01' = [
  for holder in holders: {
    parent: cache
    name: 'token-cache-${environmentName}-${uniqueString(holder.principalId)}'
    properties: {
      accessPolicyName: holder.isApp ? policy.name : consumerPolicy
      objectId: holder.principalId
      objectIdAlias: 'token-cache-${environmentName}-${uniqueString(holder.principalId)}'
    }
  }
]

resource metrics 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for holder in readers: {
    name: guid(toLower(cache.id), holder.principalId, readsMetrics)
    scope: cache
    properties: {
      principalId: holder.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', readsMetrics)
    }
  }
]
