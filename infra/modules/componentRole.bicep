import { sendsTelemetry } from '../roles.bicep'

@description('Name of the Application Insights component.')
param name string

@description('Object id of the identity that sends telemetry.')
param principalId string

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: name
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(toLower(component.id), principalId, sendsTelemetry)
  scope: component
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', sendsTelemetry)
  }
}
