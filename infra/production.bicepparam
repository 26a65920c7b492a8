// Everything made anew and private: databases, ring, telemetry and the function app itself are reached from one network alone,
// so deploy and operate from within it. Zones are off: app.zoneRedundant adds some 75 USD a month at 512 MB.
// Costs some 550 USD a month: Azure SQL GP_Gen5_2 370, Managed Redis Balanced_B1 with a replica 50, nine private endpoints
// 66, NAT gateway and address 37, zones 6, logs 10, alert rules 4, storage 2 (docs/deployed.md has each resource).
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'production')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param runbookUrl = readEnvironmentVariable('RUNBOOK_URL', 'docs/runbook')

param inbound = { access: 'private', allowedAddresses: [] }

// An app registration with the roles of infra/appRoles.json.
param signIn = empty(readEnvironmentVariable('AZURE_AUTH_CLIENT_ID', ''))
  ? null
  : { clientId: readEnvironmentVariable('AZURE_AUTH_CLIENT_ID', '') }

param make = {
  sql: { skuName: 'GP_Gen5_2' }
  redis: { skuName: 'Balanced_B1', highAvailability: true }
  keyRing: 'manage'
  network: { addressPrefix: '10.90.0.0/24', monitorPrivately: true }
  monitoring: { retentionDays: 90 }
  // The hook `preprovision` sets it where the vault was deleted: `azd down` and `azd up` again.
  recoverVault: readEnvironmentVariable('AZURE_RECOVER_VAULT', 'false') == 'true'
}

param alerts = {
  emails: filter([readEnvironmentVariable('AZURE_ALERT_EMAIL', '')], address => !empty(address))
  webhooks: []
  rules: {}
}

// Set AZURE_BUDGET_START once, to the first of the month of the first deployment, and leave it.
param budget = empty(readEnvironmentVariable('AZURE_BUDGET_START', ''))
  ? null
  : { amount: 1000, startDate: readEnvironmentVariable('AZURE_BUDGET_START', '') }
