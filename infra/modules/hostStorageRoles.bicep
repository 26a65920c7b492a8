@description('Name of the storage account.')
param accountName string

@description('The identity.')
param identityId string

@description('Its object id.')
param principalId string

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

@description('What the Functions host needs of its storage account where it signs in by identity (Microsoft, "Connecting to host storage with an identity"). No assignment can be narrower: the host makes containers, queues and tables of its own.')
var roles = [
  // Storage Blob Data Owner: leases of timers, keys of functions, the package.
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  // Storage Queue Data Contributor: the queues of the host and of purges asked for over HTTP.
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  // Storage Table Data Contributor: the host's events, and the records of runs.
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
]

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: {
    name: guid(account.id, identityId, role)
    scope: account
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]
