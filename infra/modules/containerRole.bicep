import { holder, ringRole } from '../roles.bicep'

@description('Name of the storage account of a ring.')
param accountName string

@description('Name of the container.')
param containerName string

@description('Whether this app writes the ring, or the web apps do.')
param mode 'observe' | 'manage'

@description('Who gets rights.')
param holders holder[]

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  name: '${accountName}/default/${containerName}'
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for holder in holders: {
    name: guid(toLower(container.id), holder.principalId, ringRole(mode, holder.isApp))
    scope: container
    properties: {
      principalId: holder.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', ringRole(mode, holder.isApp))
    }
  }
]
