@description('Name of the storage account of the ring.')
param accountName string

@description('Name of the vault.')
param vaultName string

@description('The identity.')
param identityId string

@description('Its object id.')
param principalId string

@description('The identity writes the ring in mode manage alone.')
param mode 'observe' | 'manage'

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  name: '${accountName}/default/dataprotection'
}

resource key 'Microsoft.KeyVault/vaults/keys@2025-05-01' existing = {
  name: '${vaultName}/dataprotection-key'
}

// Storage Blob Data Contributor to manage, Storage Blob Data Reader to observe: on the one container.
@description('Role on the container.')
var blobRole = mode == 'manage' ? 'ba92f5b4-2d11-453d-a403-e96b0029c9fe' : '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'

resource ring 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(container.id, identityId, blobRole)
  scope: container
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobRole)
  }
}

// Key Vault Crypto User: get, list, wrap and unwrap, with the one key.
resource crypto 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(key.id, identityId, 'Key Vault Crypto User')
  scope: key
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      '12338af0-0e69-4776-bea7-57ae8d297424'
    )
  }
}
