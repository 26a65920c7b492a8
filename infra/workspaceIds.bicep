// The ids by which the workspaces of web apps are asked: only Azure knows them. They are read, and nothing is deployed beside them.
import { nameOf } from 'attached.bicep'
import { workspaceSetting } from 'settings.bicep'
import { texts } from 'types/app.bicep'
import { webApp } from 'types/attached.bicep'

@description('The web apps.')
param webApps webApp[]

resource workspaces 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = [
  for app in webApps: {
    scope: resourceGroup(split(app.workspaceId, '/')[2], split(app.workspaceId, '/')[4])
    name: nameOf(app.workspaceId)
  }
]

module ids 'workspaceSettings.bicep' = {
  params: {
    ids: [
      for (app, index) in webApps: { setting: workspaceSetting(app.cache), id: workspaces[index].properties.customerId }
    ]
  }
}

@description('Ids, by the setting that holds each.')
output settings texts = ids.outputs.settings
