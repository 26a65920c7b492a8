@description('Name of the Azure Managed Redis.')
param name string

@description('The identity that looks at it.')
param identityId string

@description('Its object id.')
param principalId string

resource cache 'Microsoft.Cache/redisEnterprise@2025-07-01' existing = {
  name: name

  resource database 'databases' existing = {
    name: 'default'

    // There is this one access policy for all.
    resource assignment 'accessPolicyAssignments' = {
      name: take('maintenance${uniqueString(identityId)}', 60)
      properties: { accessPolicyName: 'default', user: { objectId: principalId } }
    }
  }
}

// Monitoring Reader: how full the cache is stands in Azure Monitor alone.
resource metrics 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(cache.id, identityId, 'Monitoring Reader')
  scope: cache
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      '43d0d8ad-25c7-4714-9337-8ba259a9fe05'
    )
  }
}

@description('Host name and port.')
output endpoint string = '${cache.properties.hostName}:10000'
