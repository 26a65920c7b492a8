// The app's user and role in the databases, made by scripts that run beside them.
import { privateAccess, texts } from 'types/app.bicep'
import { postgresSettings, sqlSettings } from 'types/caches.bicep'

@description('Begins names that need not be unique.')
param prefix string

@description('In names that must be unique.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Name of the app\'s identity: that of its database user and role.')
param identityName string

@description('Its object id.')
param principalId string

@description('Its client id.')
param clientId string

@description('The identity that administers the servers that were made.')
param setupId string

@description('Its object id; empty where no server was made.')
param setupPrincipalId string

@description('SQL Server cache.')
param sql sqlSettings

@description('Host name of the SQL server.')
param sqlHost string

@description('Name of the SQL database.')
param sqlDatabase string

@description('PostgreSQL cache.')
param postgres postgresSettings

@description('Host name of the PostgreSQL server.')
param postgresHost string

@description('How resources are reached; null for their public endpoints.')
param access privateAccess?

@description('Subnet of the scripts; null without a network.')
param scriptSubnetId string?

@description('Storage account of the scripts, where it is not made here.')
param scriptStorageAccount string?

@description('Workspace for diagnostics.')
param workspaceId string

@description('A server was made.')
var makesServer = sql.mode == 'new' || postgres.mode == 'new'

@description('Scripts run in the network.')
var privateScripts = access != null && (makesServer || sql.?setupIdentity != null)

@description('Account that holds a script while it runs.')
var scriptAccount = scriptStorageAccount ?? take('stscript${token}', 24)

module scriptStorage 'modules/storageAccount.bicep' = if (privateScripts && scriptStorageAccount == null) {
  params: {
    name: scriptAccount
    location: location
    tags: tags
    skuName: 'Standard_LRS'
    containers: []
    keepVersions: false
    services: ['file']
    bypass: 'AzureServices'
    access: access
    workspaceId: workspaceId
    logCategories: ['StorageRead', 'StorageWrite', 'StorageDelete']
  }
}

module scriptRights 'modules/scriptStorage.bicep' = if (privateScripts) {
  params: {
    accountName: scriptAccount
    identities: concat(
      makesServer ? [{ id: setupId, principalId: setupPrincipalId }] : [],
      sql.?setupIdentity == null ? [] : [sql.setupIdentity!]
    )
  }
  dependsOn: [scriptStorage]
}

module sqlUser 'modules/databaseScript.bicep' = if (sql.mode == 'new' || (sql.mode == 'existing' && sql.?setupIdentity != null)) {
  params: {
    name: 'sql-user-${prefix}'
    location: location
    tags: tags
    kind: 'AzurePowerShell'
    content: loadTextContent('scripts/sqlUser.ps1')
    environment: {
      SQL_RESOURCE: 'https://${substring(environment().suffixes.sqlServerHostname, 1)}/'
      SQL_HOST: sqlHost
      SQL_DATABASE: sqlDatabase
      SQL_USER: identityName
      SQL_USER_CLIENT_ID: clientId
      SQL_TABLE: sql.?table ?? 'dbo.TokenCache'
      SQL_CREATE_TABLE: string(sql.mode == 'new')
      SQL_OWNERS: sql.?owners.?name ?? ''
      SQL_OWNERS_ID: sql.?owners.?objectId ?? ''
      SQL_STATEMENTS: loadTextContent('scripts/sqlUser.sql')
    }
    identityId: sql.?setupIdentity.?id ?? setupId
    subnetId: scriptSubnetId
    storageAccountName: privateScripts ? scriptAccount : null
  }
  dependsOn: [scriptRights]
}

@description('Schema and table of the PostgreSQL cache.')
var postgresTable = split(postgres.?table ?? 'public.tokencache', '.')

module postgresRole 'modules/databaseScript.bicep' = if (postgres.mode == 'new') {
  params: {
    name: 'postgres-role-${prefix}'
    location: location
    tags: tags
    kind: 'AzureCLI'
    content: loadTextContent('scripts/postgresRole.sh')
    environment: {
      PG_HOST: postgresHost
      PG_DATABASE: 'tokencache'
      PG_ADMINISTRATOR: last(split(setupId, '/'))
      PG_ROLE: identityName
      PG_ROLE_OBJECT_ID: principalId
      PG_SCHEMA: postgresTable[0]
      PG_TABLE: last(postgresTable)
      PG_ROLE_STATEMENTS: loadTextContent('scripts/postgresRole.sql')
      PG_GRANT_STATEMENTS: loadTextContent('scripts/postgresGrants.sql')
    }
    identityId: setupId
    subnetId: scriptSubnetId
    storageAccountName: privateScripts ? scriptAccount : null
  }
  dependsOn: [scriptRights]
}
