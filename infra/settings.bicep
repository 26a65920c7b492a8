// The app settings.
import { blobOf, containerOf, nameOf, partName, storeKind, topName } from 'attached.bicep'
import { texts } from 'types/app.bicep'
import { cachePlace, keyRing, place, postgresCache, redisCache, sqlCache, webApp } from 'types/attached.bicep'

@export()
@description('The setting that holds the connection string of a cache.')
func connectionSetting(cache string) string => '${toUpper(replace(cache, '-', '_'))}_CONNECTION_STRING'

@export()
@description('The setting that holds the connection string of a ring in a database or a Redis: a cache may have the same name.')
func ringSetting(ring string) string => '${toUpper(replace(ring, '-', '_'))}_KEY_RING_STORE'

@export()
@description('The setting that holds the id of the workspace where the web app of a cache tells of itself.')
func workspaceSetting(cache string) string => '${toUpper(replace(cache, '-', '_'))}_APP_WORKSPACE'

@description('A web app, as TOKEN_CACHES names it.')
type appEntry = {
  @description('The setting that holds the id of its workspace.')
  workspaceSetting: string

  @description('Its role name.')
  role: string
}

@description('What an entry of TOKEN_CACHES has where the cache names its web app.')
type appFields = {
  @description('The web app.')
  app: appEntry?
}

@description('The web app of a cache, as a field of its entry in TOKEN_CACHES.')
func appField(cache string, webApps webApp[]) appFields =>
  empty(filter(webApps, app => app.cache == cache))
    ? {}
    : { app: { workspaceSetting: workspaceSetting(cache), role: filter(webApps, app => app.cache == cache)[0].role } }

@export()
@description('Name of a database as a value of a connection string: what may mean something else there is quoted.')
func quoted(name string) string =>
  length(split(name, [';', '=', '\'', '"', ' '])) == 1 ? name : '"${replace(name, '"', '""')}"'

@export()
@description('An Azure SQL database; how it signs in stands after it. No secret is ever in it.')
func sqlConnection(id string) string =>
  'Server=tcp:${topName(id)}${environment().suffixes.sqlServerHostname},1433;Database=${quoted(partName(id))};Encrypt=true;Authentication=Active Directory'

@export()
@description('A PostgreSQL database: without a password, an Entra token is the password.')
func postgresConnection(id string) string =>
  'Host=${toLower(topName(id))}.postgres.database.azure.com;Database=${quoted(partName(id))};SSL Mode=Require'

@export()
@description('Schema and table of an Azure SQL cache.')
func sqlTable(cache sqlCache) string => cache.?table ?? 'dbo.TokenCache'

@export()
@description('Schema and table of a PostgreSQL cache.')
func postgresTable(cache postgresCache) string => cache.?table ?? 'public.tokencache'

@export()
@description('Where the caches and the rings of an engine are: a blob needs no connection string.')
func places(caches cachePlace[], rings keyRing[], engine string) place[] =>
  concat(
    map(caches, cache => { setting: connectionSetting(cache.name), id: cache.id }),
    map(filter(rings, ring => storeKind(ring.store) == engine), ring => {
      setting: ringSetting(ring.name)
      id: ring.store
    })
  )

@export()
@description('Connection strings of databases, by the setting that holds each.')
func connectionStrings(sql sqlCache[], postgres postgresCache[], rings keyRing[], identityName string, clientId string) texts =>
  union(
    toObject(
      places(sql, rings, 'sqlserver'),
      each => each.setting,
      each => '${sqlConnection(each.id)} Managed Identity;User ID=${clientId}'
    ),
    toObject(
      places(postgres, rings, 'postgres'),
      each => each.setting,
      each => '${postgresConnection(each.id)};Username=${identityName}'
    )
  )

@export()
@description('An entry of TOKEN_CACHES.')
type cacheEntry = {
  @description('Name of the cache.')
  name: string

  @description('Its engine.')
  engine: string

  @description('The setting that holds its connection string.')
  connectionStringSetting: string

  @description('Schema and table.')
  table: string

  @description('Whether the app makes the expiry index.')
  index: 'manage' | 'observe'
}

@export()
@description('A cache, as an entry of TOKEN_CACHES.')
func sqlEntry(cache sqlCache) cacheEntry => {
  name: cache.name
  engine: 'sqlserver'
  connectionStringSetting: connectionSetting(cache.name)
  table: sqlTable(cache)
  index: cache.?index ?? 'manage'
}

@export()
@description('A cache, as an entry of TOKEN_CACHES.')
func postgresEntry(cache postgresCache) cacheEntry => {
  name: cache.name
  engine: 'postgres'
  connectionStringSetting: connectionSetting(cache.name)
  table: postgresTable(cache)
  // The owner of the table alone may make one, which the app is not.
  index: 'observe'
}

@description('TOKEN_CACHES.')
func tokenCaches(sql sqlCache[], postgres postgresCache[], redis redisCache[], webApps webApp[]) string =>
  string(concat(
    map(sql, cache => union(sqlEntry(cache), appField(cache.name, webApps))),
    map(postgres, cache => union(postgresEntry(cache), appField(cache.name, webApps))),
    map(
      redis,
      cache =>
        union(
          {
            name: cache.name
            engine: 'redis'
            connectionStringSetting: connectionSetting(cache.name)
            instanceName: cache.?instanceName ?? ''
            resourceId: cache.id
          },
          appField(cache.name, webApps)
        )
    )
  ))

@export()
@description('Where a ring is kept, as KEY_RINGS has it.')
func storeEntry(ring keyRing) texts =>
  storeKind(ring.store) == 'blob'
    ? {
        kind: 'blob'
        url: 'https://${topName(ring.store)}.blob.${environment().suffixes.storage}/${nameOf(containerOf(ring.store))}/${blobOf(ring.store)}'
      }
    : {
        kind: storeKind(ring.store)
        connectionStringSetting: ringSetting(ring.name)
        ...(storeKind(ring.store) == 'redis'
          ? { key: ring.?key ?? 'DataProtection-Keys' }
          : { table: ring.?table ?? 'DataProtectionKeys' })
      }

@description('KEY_RINGS.')
func keyRingSetting(rings keyRing[], caches string[]) string =>
  string(map(rings, ring => {
    name: ring.name
    mode: ring.mode
    store: storeEntry(ring)
    protector: ring.?vaultKey == null
      ? { kind: 'none' }
      : {
          kind: 'keyVault'
          keyId: 'https://${topName(ring.vaultKey!)}${environment().suffixes.keyvaultDns}/keys/${partName(ring.vaultKey!)}'
        }
    caches: ring.?caches ?? caches
  }))

@export()
@description('What the app looks after.')
func cacheSettings(sql sqlCache[], postgres postgresCache[], redis redisCache[], rings keyRing[], webApps webApp[]) texts =>
  union(
    empty(sql) && empty(postgres) && empty(redis) ? {} : { TOKEN_CACHES: tokenCaches(sql, postgres, redis, webApps) },
    empty(rings)
      ? {}
      : {
          KEY_RINGS: keyRingSetting(rings, concat(map(sql, cache => cache.name), map(postgres, cache => cache.name)))
        }
  )

@export()
@description('What the Functions host needs to reach its storage, by identity.')
func hostSettings(accountName string, clientId string) texts => {
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: clientId
  // Hosts that know the services' addresses alone fail now and then as they start (Azure/azure-functions-host#11787);
  // the addresses, for clouds whose storage has another suffix.
  AzureWebJobsStorage__accountName: accountName
  AzureWebJobsStorage__blobServiceUri: 'https://${accountName}.blob.${environment().suffixes.storage}'
  AzureWebJobsStorage__queueServiceUri: 'https://${accountName}.queue.${environment().suffixes.storage}'
  AzureWebJobsStorage__tableServiceUri: 'https://${accountName}.table.${environment().suffixes.storage}'
  // The identity is user-assigned: without this, libraries look for one that the system assigned.
  AZURE_CLIENT_ID: clientId
}

@export()
@description('Where telemetry goes, by identity.')
func telemetrySettings(connectionString string, clientId string) texts => {
  APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${clientId}'
}

func namespacesOf(attributes string) string[] =>
  map(
    filter(split(attributes, ','), each => trim(split(each, '=')[0]) == 'service.namespace'),
    each => '${uriComponentToString(trim(split(each, '=')[1]))}.'
  )

@export()
@description('The name of the role that the telemetry of the app has. The exporter puts the namespace of its attributes before the name.')
func roleOf(settings texts, appName string) string =>
  '${join(namespacesOf(settings.?OTEL_RESOURCE_ATTRIBUTES ?? ''), '')}${settings.?OTEL_SERVICE_NAME ?? appName}'
