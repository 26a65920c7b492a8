// Everything private but the function app's inbound side, over several zones, with a budget.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'production')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param runbookUrl = readEnvironmentVariable('RUNBOOK_URL', 'docs/operations.md')

param app = {
  nodeVersion: '24'
  instanceMemoryMB: 2048
  maximumInstanceCount: 40
  zoneRedundant: true
}

// The addresses of operators and of the machine that deploys, as CIDR: AZURE_ALLOWED_ADDRESSES=203.0.113.0/28,…
param inbound = {
  denyByDefault: true
  allowedAddresses: filter(
    split(readEnvironmentVariable('AZURE_ALLOWED_ADDRESSES', ''), ','),
    address => !empty(address)
  )
}

// An app registration with the roles of infra/appRoles.json.
param signIn = empty(readEnvironmentVariable('AZURE_AUTH_CLIENT_ID', ''))
  ? null
  : { clientId: readEnvironmentVariable('AZURE_AUTH_CLIENT_ID', '') }

param network = { enabled: true, addressPrefix: '10.90.0.0/24' }

param sql = { mode: 'new', cacheName: 'web', skuName: 'GP_Gen5_2', zoneRedundant: true }
param postgres = { mode: 'none' }
param redis = { mode: 'new', cacheName: 'redis', skuName: 'Balanced_B1', highAvailability: true }
param keyRing = { mode: 'manage', name: 'web' }

param alerts = {
  emails: filter([readEnvironmentVariable('AZURE_ALERT_EMAIL', '')], address => !empty(address))
  webhooks: []
  rules: {}
}

param availability = {
  enabled: true
  frequency: 300
  locations: ['emea-nl-ams-azr', 'emea-gb-db3-azr', 'emea-se-sto-edge', 'emea-fr-pra-edge', 'emea-ch-zrh-edge']
  failedLocations: 3
}

// Set AZURE_BUDGET_START once, to the first of the month of the first deployment, and leave it.
param budget = {
  amount: 1500
  startDate: empty(readEnvironmentVariable('AZURE_BUDGET_START', ''))
    ? '2026-12-01'
    : readEnvironmentVariable('AZURE_BUDGET_START', '')
}
param retentionDays = 90
