import { holder, readsMetrics, watchPermissions } from '../roles.bicep'

@description('Name of the Azure Cache for Redis. Entra authentication must be on.')
param name string

@description('Name of the environment: several may look at one Redis.')
param environmentName string

@description('Who gets rights.')
param holders holder[]

@description('Those of them that read its metrics.')
var readers = filter(holders, holder => holder.isApp)

resource cache 'Microsoft.Cache/redis@2024-11-01' existing = {
  name: name
}

resource policy 'Microsoft.Cache/redis/accessPolicies@2024-11-01' = {
  parent: cache
  name: 'token-cache-watch-${environmentName}'
  properties: { permissions: watchPermissions }
}

// A web app reads and writes: the policy for that is built in. One after the other, as the cache takes them.
@batchSize(1)
resource assignments 'Microsoft.Cache/redis/accessPolicyAssignments@2024-11-01' = [
  for holder in holders: {
    parent: cache
    name: 'token-cache-${environmentName}-${uniqueString(holder.principalId)}'
    properties: {
      accessPolicyName: holder.isApp ? policy.name : 'Data Contributor'
      objectId: holder.principalId
      objectIdAlias: 'token-cache-${environmentName}-${uniqueString(holder.principalId)}'
    }
  }
]

resource metrics 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for holder in readers: {
    name: guid(cache.id, holder.principalId, readsMetrics)
    scope: cache
    properties: {
      principalId: holder.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', readsMetrics)
    }
  }
]
