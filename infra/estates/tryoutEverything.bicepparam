// Everything made anew on public endpoints, with a serverless database.
using '../main.bicep'

param environmentName = 'everything'
param location = 'westeurope'
param make = {
  sql: { skuName: 'GP_S_Gen5_1' }
  postgres: {}
  redis: {}
  keyRing: 'manage'
  monitoring: { retentionDays: 30 }
}
