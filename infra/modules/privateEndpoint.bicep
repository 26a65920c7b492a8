import { texts } from '../types/app.bicep'

@description('Name of the private endpoint.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Subnet of the private endpoints.')
param subnetId string

@description('Resource that is reached through it.')
param serviceId string

@description('Part of the resource, such as `blob`.')
param groupId string

@description('Private DNS zone that names it; null where a policy sees to that.')
param zoneId string?

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      { name: groupId, properties: { privateLinkServiceId: serviceId, groupIds: [groupId] } }
    ]
  }

  resource names 'privateDnsZoneGroups' = if (zoneId != null) {
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: groupId, properties: { privateDnsZoneId: zoneId } }] }
  }
}
