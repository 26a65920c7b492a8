// One Redis that is there, in the group of the app, without any monitoring; settings of its own.
using '../main.bicep'

param environmentName = 'redis'
param location = 'westeurope'
param redis = [
  {
    name: 'redis'
    id: '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-token-cache/providers/Microsoft.Cache/redisEnterprise/amr-web'
  }
]
param settings = { PURGE_GRACE: 'PT5M', SCHEDULE_PURGE: '0 */15 * * * *', OTEL_SERVICE_NAME: 'token caches' }
param alerts = {
  emails: ['oncall@example.com']
  webhooks: []
  rules: { 'redis-platform-load': { enabled: false } }
}
