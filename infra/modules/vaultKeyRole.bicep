import { holder, wrapsKeys } from '../roles.bicep'

@description('Name of the vault.')
param vaultName string

@description('Name of the one key.')
param name string

@description('Who gets rights.')
param holders holder[]

resource key 'Microsoft.KeyVault/vaults/keys@2025-05-01' existing = {
  name: '${vaultName}/${name}'
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for holder in holders: {
    name: guid(toLower(key.id), holder.principalId, wrapsKeys)
    scope: key
    properties: {
      principalId: holder.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', wrapsKeys)
    }
  }
]
