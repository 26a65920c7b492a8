import { texts } from 'types/app.bicep'

@description('Name of the network.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('A /24.')
param addressPrefix string

@description('Workspace for diagnostics; null for none.')
param workspaceId string?

@description('Names of the private DNS zones.')
param zones string[]

module network 'modules/network.bicep' = {
  params: { name: name, location: location, tags: tags, addressPrefix: addressPrefix, workspaceId: workspaceId }
}

module names 'modules/privateDnsZone.bicep' = [
  for zone in zones: { params: { name: zone, tags: tags, networkId: network.outputs.id, linkName: name } }
]
