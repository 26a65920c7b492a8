// For trying out: one cache, made anew on public endpoints, with monitoring.
// Costs some 23 USD a month: Azure SQL S0 15, alert rules 4, availability test 3, storage 1; the rest is within free grants
// (docs/deployed.md has each resource).
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'tryout')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param runbookUrl = readEnvironmentVariable('RUNBOOK_URL', 'docs/runbook')

param make = { sql: { skuName: 'S0' }, monitoring: { retentionDays: 30 } }

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
