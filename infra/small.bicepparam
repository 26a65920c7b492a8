// One cache on public endpoints: some tens of euros a month (docs/deployment.md has the estimate).
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'small')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param runbookUrl = readEnvironmentVariable('RUNBOOK_URL', 'docs/operations.md')

param app = {
  nodeVersion: '24'
  instanceMemoryMB: 512
  maximumInstanceCount: 40
  zoneRedundant: false
}

// Function keys guard every route but /api/health.
param inbound = { denyByDefault: false, allowedAddresses: [] }
param signIn = null
param network = { enabled: false }

// DTU tier S0. For a database that is there:
//   { mode: 'existing', host: 'NAME.database.windows.net', database: 'NAME', setupIdentity: { id: '…', principalId: '…' } }
param sql = { mode: 'new', cacheName: 'web', skuName: 'S0' }
param postgres = { mode: 'none' }
param redis = { mode: 'none' }
param keyRing = { mode: 'none' }

param alerts = {
  // AZURE_ALERT_EMAIL: azd env set AZURE_ALERT_EMAIL oncall@example.com
  emails: filter([readEnvironmentVariable('AZURE_ALERT_EMAIL', '')], address => !empty(address))
  webhooks: []
  rules: {}
}

param availability = {
  enabled: true
  frequency: 900
  locations: ['emea-nl-ams-azr', 'emea-gb-db3-azr']
  failedLocations: 2
}

param budget = null
param retentionDays = 30
