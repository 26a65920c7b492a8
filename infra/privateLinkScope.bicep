// Telemetry within the network: a scope that is there, or one of its own.
import { nameOf } from 'attached.bicep'
import { privateAccess, texts } from 'types/app.bicep'

@description('Resource id of a scope that is there; null for one of its own.')
param scopeId string?

@description('Begins the names.')
param prefix string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('How a scope of its own is reached.')
param access privateAccess?

@description('Workspace and component that are made here.')
param resourceIds string[]

@description('Name of a scope of its own.')
var ownName = 'ampls-${prefix}'

module own 'modules/ownPrivateLinkScope.bicep' = if (scopeId == null) {
  params: { name: ownName, location: location, tags: tags, access: access! }
}

// One after the other, as the scope takes them.
@batchSize(1)
module added 'modules/privateLinkScope.bicep' = [
  for id in resourceIds: {
    scope: resourceGroup(split(scopeId ?? resourceGroup().id, '/')[2], split(scopeId ?? resourceGroup().id, '/')[4])
    params: { scopeName: nameOf(scopeId ?? ownName), name: '${prefix}-${nameOf(id)}', resourceId: id }
    dependsOn: [own]
  }
]
