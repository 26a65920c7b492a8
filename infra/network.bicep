import { texts } from 'types/app.bicep'

@description('Name of the network.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('A /24.')
param addressPrefix string

@description('Workspace for diagnostics.')
param workspaceId string

@description('Names of the private DNS zones.')
param zones texts

module network 'modules/network.bicep' = {
  params: { name: name, location: location, tags: tags, addressPrefix: addressPrefix, workspaceId: workspaceId }
}

module names 'modules/privateDnsZone.bicep' = [
  for zone in items(zones): { params: { name: zone.value, tags: tags, networkId: network.outputs.id } }
]
