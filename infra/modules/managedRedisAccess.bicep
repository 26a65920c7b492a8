import { holder, readsMetrics } from '../roles.bicep'

@description('Name of the Azure Managed Redis.')
param name string

@description('Name of the environment: several may look at one Redis.')
param environmentName string

@description('Who gets rights.')
param holders holder[]

@description('A cache lies there, whose metrics the app reads.')
param watched bool

@description('Those of them that read its metrics.')
var readers = filter(holders, holder => holder.isApp && watched)

@description('Letters and digits of the environment: a name of an assignment has no others.')
var letters = replace(replace(replace(environmentName, '-', ''), '_', ''), '.', '')

resource cache 'Microsoft.Cache/redisEnterprise@2025-07-01' existing = {
  name: name

  resource database 'databases' existing = {
    name: 'default'
  }
}

// There is this one access policy for all. One after the other: two at once fail (Azure/azure-dev#6640).
@batchSize(1)
resource policies 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = [
  for holder in holders: {
    parent: cache::database
    name: take('maintenance${uniqueString(holder.principalId)}${letters}', 60)
    properties: { accessPolicyName: 'default', user: { objectId: holder.principalId } }
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
