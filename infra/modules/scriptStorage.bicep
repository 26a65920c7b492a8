import { setupIdentity } from '../types/caches.bicep'

@description('Name of the storage account of the deployment scripts.')
param accountName string

@description('The identities that run them.')
param identities setupIdentity[]

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

// Storage File Data Privileged Contributor: the script is put on a share that its container mounts by identity
// (Microsoft, "Run Bicep deployment script privately over a private endpoint").
resource share 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for identity in identities: {
    name: guid(account.id, identity.id, 'Storage File Data Privileged Contributor')
    scope: account
    properties: {
      principalId: identity.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        '69566ab7-960f-475b-8e7c-b3118f30c6bd'
      )
    }
  }
]
