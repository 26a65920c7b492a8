// What is left to be run after a deployment: by the hook `postprovision`, or by somebody who may.
import { containerOf, isAmong, isManagedRedis, topName, topOf } from 'attached.bicep'
import { holder, readsLogs, readsMetrics, ringRole, sendsTelemetry, watchPermissions, wrapsKeys } from 'roles.bicep'
import { cacheEntry, postgresConnection, postgresEntry, sqlConnection, sqlEntry } from 'settings.bicep'
import { keyRing, postgresCache, redisCache, sqlCache, webApp } from 'types/attached.bicep'

@description('A role assignment as a command.')
func assignment(holder holder, role string, scope string) string =>
  'az role assignment create --assignee-object-id ${holder.principalId} --assignee-principal-type ServicePrincipal --role ${role} --scope "${scope}"'

@description('Rights on an Azure Cache for Redis as commands: the app gets a policy of its own, by which it reads no entry.')
func cacheForRedisCommands(holder holder, cache redisCache, name string) string[] =>
  map(
    concat(
      holder.isApp ? ['access-policy create --access-policy-name ${name} --permissions "${watchPermissions}"'] : [],
      [
        'access-policy-assignment create --policy-assignment-name ${name} --access-policy-name "${holder.isApp ? name : 'Data Contributor'}" --object-id ${holder.principalId} --object-id-alias ${name}'
      ]
    ),
    command =>
      'az redis ${command} --name ${topName(cache.id)} --resource-group ${split(cache.id, '/')[4]} --subscription ${split(cache.id, '/')[2]}'
  )

@description('Rights on an Azure Managed Redis as commands.')
func managedRedisCommands(holder holder, cache redisCache) string[] => [
  'az redisenterprise database access-policy-assignment create --access-policy-assignment-name maintenance${uniqueString(holder.principalId)} --access-policy-name default --object-id ${holder.principalId} --database-name default --cluster-name ${topName(cache.id)} --resource-group ${split(cache.id, '/')[4]} --subscription ${split(cache.id, '/')[2]}'
]

@description('Rights on a Redis as commands.')
func redisCommands(holder holder, cache redisCache) string[] =>
  concat(
    isManagedRedis(cache.id)
      ? managedRedisCommands(holder, cache)
      : cacheForRedisCommands(holder, cache, 'token-cache-${uniqueString(holder.principalId)}'),
    holder.isApp ? [assignment(holder, readsMetrics, cache.id)] : []
  )

@export()
@description('What the deployment could not give, as commands for somebody who may.')
func azureCommands(
  holders holder[],
  redis redisCache[],
  rings keyRing[],
  webApps webApp[],
  componentId string?,
  printRolesFor string[]
) string[] =>
  concat(
    flatten(map(
      filter(rings, ring => isAmong(containerOf(ring.container), printRolesFor)),
      ring => map(holders, holder => assignment(holder, ringRole(ring.mode, holder.isApp), containerOf(ring.container)))
    )),
    flatten(map(
      filter(rings, ring => ring.?vaultKey != null && isAmong(ring.vaultKey!, printRolesFor)),
      ring => map(holders, holder => assignment(holder, wrapsKeys, ring.vaultKey!))
    )),
    flatten(map(
      filter(redis, cache => isAmong(cache.id, printRolesFor)),
      cache => flatten(map(holders, holder => redisCommands(holder, cache)))
    )),
    map(
      filter(webApps, app => isAmong(app.workspaceId, printRolesFor)),
      app => assignment(holders[0], readsLogs, app.workspaceId)
    ),
    componentId != null && isAmong(componentId!, printRolesFor)
      ? [assignment(holders[0], sendsTelemetry, componentId!)]
      : []
  )

@export()
@description('A database in which `token-cache grant` is to run, from the login of its administrator.')
type databaseGrant = {
  @description('Resource id of its server.')
  server: string

  @description('Entry of TOKEN_CACHES.')
  cache: cacheEntry

  @description('Without a login of its own.')
  connectionString: string

  @description('The database is new: its table is made too.')
  createTable: bool

  @description('The role of its administrator on PostgreSQL, where it is known: of a server that is new.')
  login: string
}

@export()
@description('The databases, each with what `token-cache grant` needs to know.')
func databaseGrants(sql sqlCache[], postgres postgresCache[], made string[], administrator string) databaseGrant[] =>
  concat(
    map(sql, cache => {
      server: topOf(cache.id)
      cache: sqlEntry(cache)
      connectionString: '${sqlConnection(cache)} Default'
      createTable: isAmong(cache.id, made)
      login: isAmong(cache.id, made) ? administrator : ''
    }),
    map(postgres, cache => {
      server: topOf(cache.id)
      cache: postgresEntry(cache)
      connectionString: postgresConnection(cache)
      createTable: isAmong(cache.id, made)
      login: isAmong(cache.id, made) ? administrator : ''
    })
  )
