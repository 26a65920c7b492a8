// A ring that is there and only observed, protected by no vault; an Application Insights of its own.
using '../main.bicep'

param environmentName = 'ring'
param location = 'westeurope'
param keyRings = [
  {
    name: 'web'
    mode: 'observe'
    store: '/subscriptions/aaaaaaaa-0000-0000-0000-000000000001/resourceGroups/rg-data/providers/Microsoft.Storage/storageAccounts/stringshared/blobServices/default/containers/rings'
    caches: []
  }
]
param make = { monitoring: { retentionDays: 30 } }
