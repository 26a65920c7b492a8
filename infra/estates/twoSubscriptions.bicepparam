// Everything attached, in two subscriptions beside the app's own; on some of it whoever deploys may give no rights.
using '../main.bicep'

import { data, platform } from 'ids.bicep'

param environmentName = 'attached'
param location = 'westeurope'
param sql = [
  { name: 'web', id: '${data}/Microsoft.Sql/servers/sql-shared/databases/web' }
  {
    name: 'api'
    id: '${data}/Microsoft.Sql/servers/sql-shared/databases/api'
    table: '[my cache].[Tokens]'
    index: 'observe'
  }
]
param postgres = [
  { name: 'portal', id: '${data}/Microsoft.DBforPostgreSQL/flexibleServers/psql-shared/databases/portal' }
]
param redis = [
  { name: 'sessions', id: '${data}/Microsoft.Cache/redisEnterprise/amr-shared', instanceName: 'web:' }
  { name: 'old', id: '${platform}/Microsoft.Cache/redis/redis-shared' }
]
param keyRings = [
  {
    name: 'web'
    mode: 'manage'
    store: '${data}/Microsoft.Storage/storageAccounts/stringshared/blobServices/default/containers/rings/blobs/web/keys.xml'
    vaultKey: '${platform}/Microsoft.KeyVault/vaults/kv-shared/keys/ring'
  }
  // In the database of a cache, whose id has other letters; in one of its own; and in the Redis of a cache.
  {
    name: 'api'
    mode: 'observe'
    store: '${data}/microsoft.sql/servers/SQL-shared/databases/api'
    table: 'auth.Keys'
    vaultKey: '${platform}/Microsoft.KeyVault/vaults/kv-shared/keys/RING'
  }
  {
    name: 'portal'
    mode: 'manage'
    store: '${data}/Microsoft.DBforPostgreSQL/flexibleServers/PSQL-keys/databases/my "keys"'
  }
  { name: 'old', mode: 'manage', store: '${platform}/Microsoft.Cache/redis/redis-shared' }
  { name: 'other', mode: 'observe', store: '${data}/Microsoft.Cache/redis/redis-keys', key: 'rings:other' }
]
param consumers = [
  {
    name: 'web-app'
    principalId: '77777777-7777-7777-7777-777777777777'
    clientId: '88888888-8888-8888-8888-888888888888'
  }
]
param webApps = [
  { cache: 'web', workspaceId: '${data}/Microsoft.OperationalInsights/workspaces/log-apps', role: 'web' }
  { cache: 'sessions', workspaceId: '${platform}/Microsoft.OperationalInsights/workspaces/log-shared', role: 'portal' }
]
param network = { appSubnetId: '${platform}/Microsoft.Network/virtualNetworks/vnet-shared/subnets/functions' }
param monitoring = {
  workspaceId: '${platform}/Microsoft.OperationalInsights/workspaces/log-shared'
  componentId: '${platform}/Microsoft.Insights/components/appi-shared'
  actionGroupIds: ['${platform}/Microsoft.Insights/actionGroups/ag-oncall']
}
param inbound = { access: 'addresses', allowedAddresses: ['203.0.113.0/28'] }
param signIn = { clientId: '44444444-4444-4444-4444-444444444444' }
param availability = {
  enabled: true
  frequency: 300
  locations: ['emea-nl-ams-azr', 'emea-gb-db3-azr', 'emea-se-sto-edge']
  failedLocations: 2
}
param budget = { amount: 100, startDate: '2026-12-01' }
param printRolesFor = [
  '${platform}/Microsoft.KeyVault/vaults/kv-shared/keys/ring'
  '${platform}/Microsoft.Cache/redis/redis-shared'
  '${platform}/Microsoft.Insights/components/appi-shared'
  '${platform}/Microsoft.OperationalInsights/workspaces/log-shared'
]
