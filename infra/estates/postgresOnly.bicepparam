// A PostgreSQL server made anew, and nothing but that; addresses alone, and nobody among them.
using '../main.bicep'

param environmentName = 'postgres'
param location = 'westeurope'
param make = {
  postgres: { skuName: 'Standard_D2ds_v5', skuTier: 'GeneralPurpose', zoneRedundant: true }
  monitoring: { retentionDays: 30 }
  lock: true
  administrator: { objectId: '66666666-6666-6666-6666-666666666666', name: 'database owners', kind: 'Group' }
}
param settings = { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test, service.namespace=web%20shop' }
param inbound = { access: 'addresses', allowedAddresses: [] }
param alerts = {
  emails: ['oncall@example.com']
  webhooks: [{ name: 'chat', uri: 'https://chat.example.com/hook' }]
  rules: { 'findings-warning': { severity: 3, window: 'PT2H', frequency: 'PT1H', enabled: false } }
}
