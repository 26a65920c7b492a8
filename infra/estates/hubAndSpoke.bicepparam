// A spoke with the zones of its hub; the app is closed, and nothing of it has a public endpoint.
using '../main.bicep'

import { hub, spoke } from 'ids.bicep'

param environmentName = 'spoke'
param location = 'westeurope'
param sql = [{ name: 'web', id: '${spoke}/Microsoft.Sql/servers/sql-spoke/databases/web' }]
param network = {
  appSubnetId: '${spoke}/Microsoft.Network/virtualNetworks/vnet-spoke/subnets/functions'
  endpointSubnetId: '${spoke}/Microsoft.Network/virtualNetworks/vnet-spoke/subnets/endpoints'
  zoneIds: [
    '${hub}/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net'
    '${hub}/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net'
    '${hub}/Microsoft.Network/privateDnsZones/privatelink.queue.core.windows.net'
    '${hub}/Microsoft.Network/privateDnsZones/privatelink.table.core.windows.net'
    '${hub}/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net'
  ]
}
param make = { keyRing: 'manage', monitoring: { retentionDays: 30 }, recoverVault: true }
param monitoring = {
  privateLinkScopeId: '${hub}/Microsoft.Insights/privateLinkScopes/ampls-hub'
  actionGroupIds: ['${hub}/Microsoft.Insights/actionGroups/ag-oncall']
}
param inbound = { access: 'private', allowedAddresses: [] }
param availability = { enabled: true, frequency: 900, locations: ['emea-nl-ams-azr'], failedLocations: 1 }
