import { monitorZones, zoneNames } from '../privateZones.bicep'
import { privateAccess, texts } from '../types/app.bicep'

@description('Name of the scope.')
param name string

@description('Region of its private endpoint.')
param location string

@description('Tags.')
param tags texts

@description('How it is reached.')
param access privateAccess

resource scope 'Microsoft.Insights/privateLinkScopes@2021-07-01-preview' = {
  name: name
  location: 'global'
  tags: tags
  // Other workspaces stay as they were, for whoever asks from this network.
  properties: { accessModeSettings: { ingestionAccessMode: 'Open', queryAccessMode: 'Open' } }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: 'pe-${name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: access.subnetId }
    privateLinkServiceConnections: [
      { name: 'azuremonitor', properties: { privateLinkServiceId: scope.id, groupIds: ['azuremonitor'] } }
    ]
  }

  resource names 'privateDnsZoneGroups' = {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        for zone in concat(monitorZones, [zoneNames().blob]): {
          name: replace(zone, '.', '-')
          properties: { privateDnsZoneId: access.zoneIds[zone] }
        }
      ]
    }
  }
}
