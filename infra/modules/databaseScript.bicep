import { texts } from '../types/app.bicep'

@description('Name of the script.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('What runs it: PowerShell has a client for SQL Server, the CLI image one for PostgreSQL.')
param kind 'AzurePowerShell' | 'AzureCLI'

@description('The script.')
param content string

@description('Its environment. No value is a secret: it signs in by identity.')
param environment texts

@description('Identity that it runs as: an administrator of the database.')
param identityId string

@description('Subnet that it runs in; null for none.')
param subnetId string?

@description('Storage account that holds it while it runs; null for one that Azure makes, and removes, itself.')
param storageAccountName string?

@description('What both kinds have in common.')
var common = {
  scriptContent: content
  environmentVariables: map(items(environment), variable => { name: variable.key, value: variable.value })
  // Runs again when the script or what it is given has changed, and does no harm when it does.
  forceUpdateTag: guid(content, string(environment))
  timeout: 'PT20M'
  retentionInterval: 'PT1H'
  cleanupPreference: 'OnSuccess'
  containerSettings: subnetId == null ? null : { subnetIds: [{ id: subnetId! }] }
  storageAccountSettings: storageAccountName == null ? null : { storageAccountName: storageAccountName! }
}

resource powerShell 'Microsoft.Resources/deploymentScripts@2023-08-01' = if (kind == 'AzurePowerShell') {
  name: name
  location: location
  tags: tags
  kind: 'AzurePowerShell'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    azPowerShellVersion: '14.0'
    ...common
  }
}

resource cli 'Microsoft.Resources/deploymentScripts@2023-08-01' = if (kind == 'AzureCLI') {
  name: name
  location: location
  tags: tags
  kind: 'AzureCLI'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    azCliVersion: '2.75.0'
    ...common
  }
}
