// What is left to be run after a deployment: by the hook `postprovision`, or by somebody who may.
import { containerOf, distinct, isAmong, isManagedRedis, storeKind, topName, topOf } from 'attached.bicep'
import {
  consumerPolicy
  holder
  readsLogs
  readsMetrics
  redisIds
  redisPermissions
  redisUse
  redisUses
  ringRole
  sendsTelemetry
  wrapsKeys
} from 'roles.bicep'
import { cacheEntry, postgresConnection, postgresEntry, sqlConnection, sqlEntry, storeEntry } from 'settings.bicep'
import { texts } from 'types/app.bicep'
import { keyRing, postgresCache, redisCache, sqlCache, webApp } from 'types/attached.bicep'

@description('A role assignment as a command.')
func assignment(holder holder, role string, scope string) string =>
  'az role assignment create --assignee-object-id ${holder.principalId} --assignee-principal-type ServicePrincipal --role ${role} --scope "${scope}"'

@description('Rights on an Azure Cache for Redis as commands: the app gets a policy of its own, by which it reads no entry.')
func cacheForRedisCommands(holder holder, use redisUse, name string) string[] =>
  map(
    concat(
      holder.isApp ? ['access-policy create --access-policy-name ${name} --permissions "${redisPermissions(use)}"'] : [],
      [
        'access-policy-assignment create --policy-assignment-name ${name} --access-policy-name "${holder.isApp ? name : consumerPolicy(use)}" --object-id ${holder.principalId} --object-id-alias ${name}'
      ]
    ),
    command =>
      'az redis ${command} --name ${topName(use.id)} --resource-group "${split(use.id, '/')[4]}" --subscription ${split(use.id, '/')[2]}'
  )

@description('Rights on an Azure Managed Redis as commands.')
func managedRedisCommands(holder holder, id string) string[] => [
  'az redisenterprise database access-policy-assignment create --access-policy-assignment-name maintenance${uniqueString(holder.principalId)} --access-policy-name default --object-id ${holder.principalId} --database-name default --cluster-name ${topName(id)} --resource-group "${split(id, '/')[4]}" --subscription ${split(id, '/')[2]}'
]

@description('Rights on a Redis as commands.')
func redisCommands(holder holder, use redisUse) string[] =>
  concat(
    isManagedRedis(use.id)
      ? managedRedisCommands(holder, use.id)
      : cacheForRedisCommands(holder, use, 'token-cache-${uniqueString(holder.principalId)}'),
    holder.isApp && use.watched ? [assignment(holder, readsMetrics, use.id)] : []
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
      filter(rings, ring => storeKind(ring.store) == 'blob' && isAmong(containerOf(ring.store), printRolesFor)),
      ring => map(holders, holder => assignment(holder, ringRole(ring.mode, holder.isApp), containerOf(ring.store)))
    )),
    flatten(map(
      filter(
        distinct(map(filter(rings, ring => ring.?vaultKey != null), ring => ring.vaultKey!)),
        id => isAmong(id, printRolesFor)
      ),
      id => map(holders, holder => assignment(holder, wrapsKeys, id))
    )),
    flatten(map(
      redisUses(filter(redisIds(redis, rings), id => isAmong(id, printRolesFor)), redis, rings),
      use => flatten(map(holders, holder => redisCommands(holder, use)))
    )),
    map(
      filter(distinct(map(webApps, app => app.workspaceId)), id => isAmong(id, printRolesFor)),
      id => assignment(holders[0], readsLogs, id)
    ),
    componentId != null && isAmong(componentId!, printRolesFor)
      ? [assignment(holders[0], sendsTelemetry, componentId!)]
      : []
  )

@description('A ring in a table, as far as its rights need it.')
type ringGrant = {
  @description('Name of the ring.')
  name: string

  @description('Its mode.')
  mode: 'observe' | 'manage'

  @description('Where it is kept, as KEY_RINGS has it.')
  store: texts
}

@export()
@description('A database in which `token-cache grant` is to run, from the login of its administrator.')
type databaseGrant = {
  @description('Resource id of its server.')
  server: string

  @description('Entry of TOKEN_CACHES; of a database in which a ring is kept, `ring` is there instead.')
  cache: cacheEntry?

  @description('A ring in a table of the database.')
  ring: ringGrant?

  @description('Without a login of its own.')
  connectionString: string

  @description('The database is new: its table is made too.')
  createTable: bool

  @description('The role of its administrator on PostgreSQL, where it is known: of a server that is new.')
  login: string
}

@export()
@description('The databases, each with what `token-cache grant` needs to know.')
func databaseGrants(sql sqlCache[], postgres postgresCache[], rings keyRing[], made texts, administrator string) databaseGrant[] =>
  concat(
    map(sql, cache => {
      server: topOf(cache.id)
      cache: sqlEntry(cache)
      connectionString: '${sqlConnection(cache.id)} Default'
      createTable: isAmong(cache.id, map(items(made), each => each.value))
      login: isAmong(cache.id, map(items(made), each => each.value)) ? administrator : ''
    }),
    map(postgres, cache => {
      server: topOf(cache.id)
      cache: postgresEntry(cache)
      connectionString: postgresConnection(cache.id)
      createTable: isAmong(cache.id, map(items(made), each => each.value))
      login: isAmong(cache.id, map(items(made), each => each.value)) ? administrator : ''
    }),
    map(filter(rings, ring => contains(['sqlserver', 'postgres'], storeKind(ring.store))), ring => {
      server: topOf(ring.store)
      ring: { name: ring.name, mode: ring.mode, store: storeEntry(ring) }
      connectionString: storeKind(ring.store) == 'sqlserver'
        ? '${sqlConnection(ring.store)} Default'
        : postgresConnection(ring.store)
      createTable: false
      login: ''
    })
  )
