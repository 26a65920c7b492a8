import { zoneNames } from '../privateZones.bicep'
import { privateAccess, texts } from '../types/app.bicep'

@description('Name of the vault.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('True: it was deleted, and comes back.')
param recover bool

@description('How it is reached; null for its public endpoint.')
param access privateAccess?

@description('Workspace for diagnostics; null for none.')
param workspaceId string?

@description('True: it cannot be deleted before its lock is.')
param lock bool

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    createMode: recover ? 'recover' : 'default'
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    // A key that is purged takes every cached token with it.
    enablePurgeProtection: true
    publicNetworkAccess: access == null ? 'Enabled' : 'Disabled'
    networkAcls: { defaultAction: access == null ? 'Allow' : 'Deny', bypass: 'None' }
  }
}

// A version is replaced three months before it expires; rotateKeyRing then re-wraps the ring. An expired version still
// unwraps, and no longer wraps. Counted from its creation, since the first version has no expiry of its own: a rotation
// before expiry would be refused, or never come (Microsoft, "Configure cryptographic key auto-rotation").
resource key 'Microsoft.KeyVault/vaults/keys@2025-05-01' = {
  parent: vault
  name: 'dataprotection-key'
  properties: {
    kty: 'RSA'
    keySize: 3072
    keyOps: ['wrapKey', 'unwrapKey']
    rotationPolicy: {
      attributes: { expiryTime: 'P2Y' }
      lifetimeActions: [
        { trigger: { timeAfterCreate: 'P21M' }, action: { type: 'rotate' } }
        { trigger: { timeBeforeExpiry: 'P30D' }, action: { type: 'notify' } }
      ]
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (workspaceId != null) {
  name: 'to-workspace'
  scope: vault
  properties: { workspaceId: workspaceId, logs: [{ categoryGroup: 'audit', enabled: true }] }
}

resource kept 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'keep'
  scope: vault
  properties: { level: 'CanNotDelete', notes: 'It holds what cannot be had again: sign-ins, master keys.' }
}

module endpoint 'privateEndpoint.bicep' = if (access != null) {
  params: {
    name: 'pe-${name}'
    location: location
    tags: tags
    subnetId: access!.subnetId
    serviceId: vault.id
    groupId: 'vault'
    zoneId: access!.zoneIds[?zoneNames().vault]
  }
}
