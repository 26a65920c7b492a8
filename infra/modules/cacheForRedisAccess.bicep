@description('Name of the Azure Cache for Redis. Entra authentication must be on.')
param name string

@description('The identity that looks at it.')
param identityId string

@description('Its object id.')
param principalId string

resource cache 'Microsoft.Cache/redis@2024-11-01' existing = {
  name: name

  // What the watch asks (docs/operations.md, "Rights"); no content of an entry.
  resource policy 'accessPolicies' = {
    name: 'token-cache-watch'
    properties: { permissions: '+info +ping +scan +pttl +type +cluster|slots ~*' }
  }

  resource assignment 'accessPolicyAssignments' = {
    name: 'token-cache-maintenance'
    properties: { accessPolicyName: policy.name, objectId: principalId, objectIdAlias: 'token-cache-maintenance' }
  }
}

// Monitoring Reader: as for Azure Managed Redis.
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
output endpoint string = '${cache.properties.hostName}:${cache.properties.sslPort}'
