// Attached to what is there: each part by its resource id, of any resource group and subscription of the tenant. What is left
// out is not made. Set the ids by `azd env set NAME ID`, or write them here; several of a kind are more entries of its list.
// Costs some 5 USD a month beside what is there: alert rules 4, storage 1; the function app runs within its free grant, and
// nothing runs around the clock (docs/deployed.md has each resource).
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'existing')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param runbookUrl = readEnvironmentVariable('RUNBOOK_URL', 'docs/runbook')

// An Azure SQL database; index: 'observe' leaves the expiry index to you.
param sql = filter(
  [{ name: 'web', id: readEnvironmentVariable('AZURE_SQL_DATABASE_ID', ''), table: 'dbo.TokenCache' }],
  cache => !empty(cache.id)
)

// A database on PostgreSQL: …/flexibleServers/SERVER/databases/DATABASE.
param postgres = filter(
  [{ name: 'postgres', id: readEnvironmentVariable('AZURE_POSTGRES_DATABASE_ID', ''), table: 'public.tokencache' }],
  cache => !empty(cache.id)
)

// An Azure Managed Redis or Azure Cache for Redis; instanceName is that of the web app.
param redis = filter(
  [
    {
      name: 'redis'
      id: readEnvironmentVariable('AZURE_REDIS_ID', '')
      instanceName: readEnvironmentVariable('AZURE_REDIS_INSTANCE_NAME', '')
    }
  ],
  cache => !empty(cache.id)
)

// The ring: what it is kept in, and the key of the vault. It is kept in a container (…/containers/CONTAINER/blobs/keys.xml), or
// in a database or a Redis as above. It is only observed: with mode 'manage' this app alone makes its keys, and the web apps
// read them.
param keyRings = filter(
  [
    {
      name: 'web'
      mode: 'observe'
      store: readEnvironmentVariable('AZURE_KEY_RING_STORE_ID', '')
      table: 'DataProtectionKeys'
      vaultKey: empty(readEnvironmentVariable('AZURE_KEY_RING_VAULT_KEY_ID', ''))
        ? null
        : readEnvironmentVariable('AZURE_KEY_RING_VAULT_KEY_ID', '')
    }
  ],
  ring => !empty(ring.store)
)

// Web apps that shall get their own rights as well: { name: 'web', principalId: '…', clientId: '…' }. They have theirs already
// where they run.
param consumers = []

// The web app's own telemetry: the workspace of its Application Insights, and its role name there (docs/app-metrics.md).
param webApps = filter(
  [
    {
      cache: !empty(readEnvironmentVariable('AZURE_SQL_DATABASE_ID', ''))
        ? 'web'
        : !empty(readEnvironmentVariable('AZURE_POSTGRES_DATABASE_ID', '')) ? 'postgres' : 'redis'
      workspaceId: readEnvironmentVariable('AZURE_WEB_APP_WORKSPACE_ID', '')
      role: readEnvironmentVariable('AZURE_WEB_APP_ROLE', '')
    }
  ],
  app => !empty(app.workspaceId)
)

// A subnet delegated to Microsoft.App/environments; endpoints and zones, where its own storage shall be private too.
param network = empty(readEnvironmentVariable('AZURE_APP_SUBNET_ID', ''))
  ? null
  : {
      appSubnetId: readEnvironmentVariable('AZURE_APP_SUBNET_ID', '')
      endpointSubnetId: empty(readEnvironmentVariable('AZURE_ENDPOINT_SUBNET_ID', ''))
        ? null
        : readEnvironmentVariable('AZURE_ENDPOINT_SUBNET_ID', '')
      zoneIds: filter(split(readEnvironmentVariable('AZURE_PRIVATE_DNS_ZONE_IDS', ''), ','), id => !empty(id))
    }

param monitoring = {
  workspaceId: empty(readEnvironmentVariable('AZURE_WORKSPACE_ID', ''))
    ? null
    : readEnvironmentVariable('AZURE_WORKSPACE_ID', '')
  componentId: empty(readEnvironmentVariable('AZURE_APPLICATION_INSIGHTS_ID', ''))
    ? null
    : readEnvironmentVariable('AZURE_APPLICATION_INSIGHTS_ID', '')
  actionGroupIds: filter(split(readEnvironmentVariable('AZURE_ACTION_GROUP_ID', ''), ','), id => !empty(id))
}

// `public`: keys of functions guard every route but /api/health. `addresses`: AZURE_ALLOWED_ADDRESSES alone. `private`: the
// private endpoint alone.
param inbound = {
  access: empty(readEnvironmentVariable('AZURE_ALLOWED_ADDRESSES', '')) ? 'public' : 'addresses'
  allowedAddresses: filter(
    split(readEnvironmentVariable('AZURE_ALLOWED_ADDRESSES', ''), ','),
    address => !empty(address)
  )
}

// An app registration with the roles of infra/appRoles.json.
param signIn = empty(readEnvironmentVariable('AZURE_AUTH_CLIENT_ID', ''))
  ? null
  : { clientId: readEnvironmentVariable('AZURE_AUTH_CLIENT_ID', '') }

param alerts = {
  emails: filter([readEnvironmentVariable('AZURE_ALERT_EMAIL', '')], address => !empty(address))
  webhooks: []
  rules: {}
}

// The hook `preprovision` sets it: resources on which whoever deploys may give no rights.
param printRolesFor = json(readEnvironmentVariable('AZURE_PRINT_ROLES_FOR', '[]'))
