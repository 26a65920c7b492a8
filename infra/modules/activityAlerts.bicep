import { action } from '../types/alerts.bicep'
import { texts } from '../types/app.bicep'

@description('Begins the names.')
param prefix string

@description('Tags.')
param tags texts

@description('Action groups that are told.')
param actions action[]

@description('The runbook.')
param runbookUrl string

@description('Resources whose health is watched: of this subscription alone, as Azure takes them.')
param resourceIds string[]

// Two of the hundred that a subscription may have.
resource service 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: '${prefix}-service-health'
  location: 'global'
  tags: tags
  properties: {
    description: 'Azure has an incident or asks for action in this subscription. Look there before you look here. Runbook: ${runbookUrl}/platform.md#service-health'
    enabled: true
    scopes: [subscription().id]
    condition: {
      allOf: [
        { field: 'category', equals: 'ServiceHealth' }
        {
          anyOf: [
            { field: 'properties.incidentType', equals: 'Incident' }
            { field: 'properties.incidentType', equals: 'ActionRequired' }
          ]
        }
      ]
    }
    actions: { actionGroups: actions }
  }
}

resource health 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: '${prefix}-resource-health'
  location: 'global'
  tags: tags
  properties: {
    description: 'By the platform, one of the resources is degraded or not available, and not because somebody here made it so. Runbook: ${runbookUrl}/platform.md#resource-health'
    enabled: true
    scopes: resourceIds
    condition: {
      allOf: [
        { field: 'category', equals: 'ResourceHealth' }
        {
          anyOf: [
            { field: 'properties.currentHealthStatus', equals: 'Degraded' }
            { field: 'properties.currentHealthStatus', equals: 'Unavailable' }
          ]
        }
        { field: 'properties.cause', equals: 'PlatformInitiated' }
      ]
    }
    actions: { actionGroups: actions }
  }
}
