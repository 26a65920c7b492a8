// The function app with what it stores.
import { appSettings, inboundSettings, privateAccess, signInSettings, texts } from 'types/app.bicep'
import { hostSettings } from 'settings.bicep'

@description('Name of the function app.')
param name string

@description('Name of its storage account.')
param accountName string

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

@description('How what is made here is reached; null for public endpoints.')
param access privateAccess?

@description('Subnet of the app\'s outgoing calls; null without a network.')
param subnetId string?

@description('Where the package lies that is deployed with it; empty where azd deploys it.')
param packageUri string

@description('Workspace for diagnostics; null for none.')
param workspaceId string?

@description('Caches, rings, telemetry, and settings that differ from their defaults.')
param settings texts

// Leases, keys of functions, records, packages. Rings lie elsewhere: who reads this account reads no master key.
module hostStorage 'modules/storageAccount.bicep' = {
  params: {
    name: accountName
    location: location
    tags: tags
    skuName: app.zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'
    containers: ['packages']
    keepVersions: false
    services: ['blob', 'queue', 'table']
    access: access
    workspaceId: workspaceId
    // Reads and writes of leases would be most of what is kept.
    logCategories: ['StorageDelete']
    lock: false
  }
}

module hostRoles 'modules/hostStorageRoles.bicep' = {
  // An assignment is named by the object id, so that an identity that is made again gets its own.
  #disable-next-line what-if-short-circuiting
  params: { accountName: accountName, principalId: principalId }
  dependsOn: [hostStorage]
}

module function 'modules/functionApp.bicep' = {
  params: {
    name: name
    location: location
    tags: tags
    settings: app
    identityId: identityId
    packageContainerUrl: 'https://${accountName}.blob.${environment().suffixes.storage}/packages'
    environment: { ...hostSettings(accountName, clientId), ...settings }
    subnetId: subnetId
    inbound: inbound
    signIn: signIn
    access: access
    packageUri: packageUri
    workspaceId: workspaceId
  }
  // It starts with its rights, rather than fail until they are there.
  dependsOn: [hostRoles]
}

@description('Host name of the function app.')
output hostName string = function.outputs.hostName
