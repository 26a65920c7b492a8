import { texts } from '../types/app.bicep'

@description('Shown in the portal.')
param displayName string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Name of the environment: each has a workbook.')
param environmentName string

@description('Workspace that it asks.')
param workspaceId string

@description('By which the workspace tells the app from others.')
param roleName string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, environmentName, 'token-cache-maintenance')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: workspaceId
    serializedData: replace(
      replace(loadTextContent('../workbook.json'), '{workspaceId}', workspaceId),
      '{app}',
      roleName
    )
  }
}
