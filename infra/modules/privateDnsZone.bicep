import { texts } from '../types/app.bicep'

@description('Name of the zone.')
param name string

@description('Tags.')
param tags texts

@description('Network that resolves names in it.')
param networkId string

@description('Name of the link: that of the network, since others may be linked to the zone.')
param linkName string

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: name
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: linkName
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
  }
}
