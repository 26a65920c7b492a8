import { distinct, isAmong } from 'attached.bicep'
import { places } from 'settings.bicep'
import { keyRing, redisCache } from 'types/attached.bicep'

// Every role that is given, by its id (Microsoft, "Azure built-in roles"). test/infra/security.test.ts says why each.

@export()
@description('What the Functions host needs of its storage account where it signs in by identity (Microsoft, "Connecting to host storage with an identity"). No assignment can be narrower: the host makes containers, queues and tables of its own.')
var hostStorageRoles = [
  // Storage Blob Data Owner: leases of timers, keys of functions, the package.
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  // Storage Queue Data Contributor: the queues of the host and of purges asked for over HTTP.
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  // Storage Table Data Contributor: the host's events, and the records of runs.
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
]

@export()
@description('Storage Blob Data Contributor: whoever writes the ring.')
var writesRing = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

@export()
@description('Storage Blob Data Reader: whoever reads it alone.')
var readsRing = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'

@export()
@description('Key Vault Crypto Service Encryption User: reads the one key, wraps and unwraps with it.')
var wrapsKeys = 'e147488a-f6f5-4113-8e2d-b22465e65bf6'

@export()
@description('Monitoring Metrics Publisher: what ingestion with an Entra token asks for.')
var sendsTelemetry = '3913510d-42f4-4e42-8a64-420c390055eb'

@export()
@description('Monitoring Reader: how full a Redis is stands in Azure Monitor alone.')
var readsMetrics = '43d0d8ad-25c7-4714-9337-8ba259a9fe05'

@export()
@description('Log Analytics Data Reader: what a web app tells of its cache stands in a workspace alone.')
var readsLogs = '3b03c2da-16b3-4a49-8834-0f8130efdd3b'

@description('What the watch asks of an Azure Cache for Redis (docs/reference/rights.md); no content of an entry.')
var watchCommands = ['+info', '+ping', '+scan', '+pttl', '+type', '+cluster|slots']

@description('What is asked of a ring in one, and what to write it.')
var ringCommands = {
  observe: ['+cluster|slots', '+select', '+time', '+lrange']
  manage: ['+rpush', '+lset', '+lrem', '+del', '+watch', '+unwatch', '+multi', '+exec']
}

@export()
@description('What lies on a Redis.')
type redisUse = {
  @description('Its resource id.')
  id: string

  @description('A cache lies there, which the app watches.')
  watched: bool

  @description('Rings lie there.')
  rings: keyRing[]
}

@export()
@description('Each Redis once, however many caches and rings lie on it: it takes one policy for each identity.')
func redisUses(ids string[], redis redisCache[], rings keyRing[]) redisUse[] =>
  map(ids, id => {
    id: id
    watched: isAmong(id, map(redis, cache => cache.id))
    rings: filter(rings, ring => toLower(ring.store) == toLower(id))
  })

@export()
@description('The ids of all Redis.')
func redisIds(redis redisCache[], rings keyRing[]) string[] =>
  distinct(map(places(redis, rings, 'redis'), each => each.id))

@export()
@description('What the app may on an Azure Cache for Redis: on its rings alone, unless it watches a cache there.')
func redisPermissions(use redisUse) string =>
  join(
    union(
      use.watched ? watchCommands : [],
      empty(use.rings) ? [] : ringCommands.observe,
      contains(map(use.rings, ring => ring.mode), 'manage') ? ringCommands.manage : [],
      use.watched
        ? ['~*']
        : flatten(map(
            use.rings,
            ring => ['~${ring.?key ?? 'DataProtection-Keys'}', '~{${ring.?key ?? 'DataProtection-Keys'}}:backup:*']
          ))
    ),
    ' '
  )

@export()
@description('The policy of a web app on an Azure Cache for Redis: it writes entries, and a ring that it keeps itself.')
func consumerPolicy(use redisUse) string =>
  use.watched || contains(map(use.rings, ring => ring.mode), 'observe') ? 'Data Contributor' : 'Data Reader'

@export()
@description('Somebody who gets rights on what is attached.')
type holder = {
  @description('Object id.')
  principalId: string

  @description('The app, or a web app.')
  isApp: bool
}

@export()
@description('Role on the container of a ring. Where this app manages the ring, it alone writes; else the web apps mint keys.')
func ringRole(mode string, isApp bool) string => (mode == 'manage') == isApp ? writesRing : readsRing
