// The function app with what it stores: host storage, key ring and vault.
import { appSettings, inboundSettings, privateAccess, signInSettings, texts } from 'types/app.bicep'
import { keyRingSettings, postgresSettings, redisSettings, sqlSettings } from 'types/caches.bicep'
import { connectionStrings, hostSettings, isServerless, keyRings, postgresCacheName, sqlCacheName, tokenCaches } from 'settings.bicep'

@description('Name of the function app.')
param name string

@description('In names that must be unique.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Instances.')
param app appSettings

@description('Who reaches the app.')
param inbound inboundSettings

@description('Easy Auth.')
param signIn signInSettings?

@description('The identity of the app.')
param identityId string

@description('Its object id.')
param principalId string

@description('Its client id.')
param clientId string

@description('Where telemetry goes.')
param telemetryTo string

@description('Workspace for diagnostics.')
param workspaceId string

@description('How resources are reached; null for their public endpoints.')
param access privateAccess?

@description('Subnet of the app\'s outgoing calls; null without a network.')
param subnetId string?

@description('SQL Server cache.')
param sql sqlSettings

@description('PostgreSQL cache.')
param postgres postgresSettings

@description('Redis cache.')
param redis redisSettings

@description('Key ring.')
param keyRing keyRingSettings

@description('Host name and port of the Redis; empty where there is none.')
param redisEndpoint string

@description('Resource id of the Redis.')
param redisId string

@description('Settings that differ from their defaults.')
param settings texts

@description('Copies of the data.')
var storageSku = app.zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'

@description('Account of the host: leases, keys of functions, records, packages.')
var hostAccount = take('sthost${token}', 24)

@description('Account of the ring: apart, so that who reads the host\'s reads no master key.')
var ringAccount = take('string${token}', 24)

@description('Name of the vault.')
var vaultName = take('kv-${token}', 24)

@description('Ends the host names of storage.')
var storageSuffix = environment().suffixes.storage

module hostStorage 'modules/storageAccount.bicep' = {
  params: {
    name: hostAccount
    location: location
    tags: tags
    skuName: storageSku
    containers: ['packages']
    keepVersions: false
    services: ['blob', 'queue', 'table']
    access: access
    workspaceId: workspaceId
    // Reads and writes of leases would be most of what is kept.
    logCategories: ['StorageDelete']
  }
}

module hostRoles 'modules/hostStorageRoles.bicep' = {
  params: { accountName: hostAccount, identityId: identityId, principalId: principalId }
  dependsOn: [hostStorage]
}

module ringStorage 'modules/storageAccount.bicep' = if (keyRing.mode != 'none') {
  params: {
    name: ringAccount
    location: location
    tags: tags
    skuName: storageSku
    containers: ['dataprotection']
    keepVersions: true
    services: ['blob']
    access: access
    workspaceId: workspaceId
    logCategories: ['StorageRead', 'StorageWrite', 'StorageDelete']
  }
}

module vault 'modules/keyVault.bicep' = if (keyRing.mode != 'none') {
  params: { name: vaultName, location: location, tags: tags, access: access, workspaceId: workspaceId }
}

module ringRoles 'modules/keyRing.bicep' = if (keyRing.mode != 'none') {
  params: {
    accountName: ringAccount
    vaultName: vaultName
    identityId: identityId
    principalId: principalId
    mode: keyRing.mode == 'manage' ? 'manage' : 'observe'
  }
  dependsOn: [ringStorage, vault]
}

@description('SQL caches: their entries name the keys of the ring.')
var sqlCaches = concat(
  sql.mode == 'none' ? [] : [sqlCacheName(sql)],
  postgres.mode == 'none' ? [] : [postgresCacheName(postgres)]
)

module function 'modules/functionApp.bicep' = {
  params: {
    name: name
    location: location
    tags: tags
    settings: app
    identityId: identityId
    packageContainerUrl: 'https://${hostAccount}.blob.${storageSuffix}/packages'
    environment: {
      ...hostSettings(hostAccount, storageSuffix, clientId, telemetryTo)
      ...(sql.mode == 'none' && postgres.mode == 'none' && redis.mode == 'none'
        ? {}
        : { TOKEN_CACHES: tokenCaches(sql, postgres, redis, redisId) })
      ...connectionStrings(sql, postgres, redis, token, last(split(identityId, '/')), clientId, redisEndpoint)
      ...(keyRing.mode == 'none'
        ? {}
        : {
            KEY_RINGS: keyRings(
              keyRing,
              'https://${ringAccount}.blob.${storageSuffix}/dataprotection',
              'https://${vaultName}${environment().suffixes.keyvaultDns}/keys/dataprotection-key',
              sqlCaches
            )
          })
      // Half-hourly purges leave a serverless database time to pause; counts every 5 minutes would not.
      ...(isServerless(sql) ? { SCHEDULE_COUNTS: '0 5 * * * *' } : {})
      ...settings
    }
    subnetId: subnetId
    inbound: inbound
    signIn: signIn
    workspaceId: workspaceId
  }
  // It starts with its rights, rather than fail until they are there.
  dependsOn: [hostRoles, ringRoles]
}

@description('Name of the function app.')
output name string = function.outputs.name

@description('Host name of the function app.')
output hostName string = function.outputs.hostName
