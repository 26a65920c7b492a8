import { zoneNames } from '../privateZones.bicep'
import { appSettings, inboundSettings, privateAccess, signInSettings, texts } from '../types/app.bicep'

@description('Name of the function app.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Instances.')
param settings appSettings

@description('The identity of the app.')
param identityId string

@description('Where packages lie.')
param packageContainerUrl string

@description('App settings. None is a secret.')
param environment texts

@description('Subnet of its outgoing calls; null for none.')
param subnetId string?

@description('Who reaches it.')
param inbound inboundSettings

@description('How it is reached; null for its public endpoint.')
param access privateAccess?

@description('Easy Auth; null for function keys alone.')
param signIn signInSettings?

@description('Where the package lies that is deployed with it; empty where azd deploys it.')
param packageUri string

@description('Workspace for diagnostics; null for none.')
param workspaceId string?

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: settings.zoneRedundant }
}

@description('Rules for the addresses that were given.')
var addressRules = map(inbound.allowedAddresses, (address, index) => {
  name: 'address-${index}'
  ipAddress: address
  action: 'Allow'
  priority: 200 + index
})

// How a service tag is written in these rules ("Set up Azure App Service access restrictions").
@description('The availability test.')
var availabilityRule = {
  name: 'availability-test'
  tag: 'ServiceTag'
  ipAddress: 'ApplicationInsightsAvailability'
  action: 'Allow'
  priority: 100
}

@description('What happens to everybody else.')
var otherwise = inbound.access == 'public' ? 'Allow' : 'Deny'

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // azd finds the app by this tag.
  tags: { ...tags, 'azd-service-name': 'maintenance' }
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: inbound.access == 'private' ? 'Disabled' : 'Enabled'
    // Any instance answers any request.
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      runtime: { name: 'node', version: settings.nodeVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: settings.instanceMemoryMB
        maximumInstanceCount: settings.maximumInstanceCount
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      ipSecurityRestrictionsDefaultAction: otherwise
      ipSecurityRestrictions: inbound.access == 'addresses' ? [availabilityRule, ...addressRules] : []
      // The side that deployments use: the given addresses, and not the availability test.
      scmIpSecurityRestrictionsUseMain: false
      scmIpSecurityRestrictionsDefaultAction: otherwise
      scmIpSecurityRestrictions: inbound.access == 'addresses' ? addressRules : []
    }
  }

  resource environmentVariables 'config' = {
    name: 'appsettings'
    properties: environment
  }

  // No passwords for deployments: they sign in with Entra.
  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource auth 'config' = if (signIn != null) {
    name: 'authsettingsV2'
    properties: {
      platform: { enabled: true }
      globalValidation: {
        requireAuthentication: true
        unauthenticatedClientAction: 'RedirectToLoginPage'
        redirectToProvider: 'azureactivedirectory'
        excludedPaths: ['/api/health']
      }
      httpSettings: { requireHttps: true }
      identityProviders: {
        azureActiveDirectory: {
          enabled: true
          registration: {
            clientId: signIn!.clientId
            openIdIssuer: '${az.environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
          }
          validation: { allowedAudiences: signIn!.?allowedAudiences ?? ['api://${signIn!.clientId}'] }
        }
      }
      login: { tokenStore: { enabled: false } }
    }
  }
}

// Azure fetches the package itself: for whoever deploys by the portal, or without azd.
resource code 'Microsoft.Web/sites/extensions@2025-03-01' = if (!empty(packageUri)) {
  parent: app
  name: 'onedeploy'
  // The type knows nothing of what this extension takes; nothing is to be built.
  #disable-next-line BCP187
  properties: { packageUri: packageUri, remoteBuild: false }
  dependsOn: [app::environmentVariables]
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (workspaceId != null) {
  name: 'to-workspace'
  scope: app
  properties: {
    workspaceId: workspaceId
    // The host's own as well: they arrive when telemetry does not.
    logs: [{ category: 'FunctionAppLogs', enabled: true }]
  }
}

module endpoint 'privateEndpoint.bicep' = if (inbound.access == 'private') {
  params: {
    name: 'pe-${name}'
    location: location
    tags: tags
    // Without a network, nobody would reach the app: that is said before anything is made.
    subnetId: access == null ? fail('inbound.access private needs a subnet for private endpoints.') : access!.subnetId
    serviceId: app.id
    groupId: 'sites'
    zoneId: access.?zoneIds[?zoneNames().sites]
  }
}

@description('Host name of the app.')
output hostName string = app.properties.defaultHostName
