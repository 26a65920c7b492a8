import { readsLogs } from '../roles.bicep'

@description('Name of the workspace.')
param name string

@description('Object id of the identity that reads it.')
param principalId string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: name
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(toLower(workspace.id), principalId, readsLogs)
  scope: workspace
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', readsLogs)
  }
}
