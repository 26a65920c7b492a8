// What is known of a resource by its id alone.

@export()
@description('The id of the resource that another is part of, such as the vault of a key: its first nine parts.')
func topOf(id string) string => join(take(split(id, '/'), 9), '/')

@export()
@description('The last part of an id.')
func nameOf(id string) string => last(split(id, '/'))

@export()
@description('Name of a top resource: server, account, vault, cache.')
func topName(id string) string => split(id, '/')[8]

@export()
@description('Name of what is one step below: database, key, network.')
func partName(id string) string => split(id, '/')[10]

@export()
@description('The container of a ring, without its blob.')
func containerOf(container string) string => split(container, '/blobs/')[0]

@export()
@description('The blob of a ring.')
func blobOf(container string) string => contains(container, '/blobs/') ? last(split(container, '/blobs/')) : 'keys.xml'

@export()
@description('What a ring is kept in, as KEY_RINGS names it.')
func storeKind(id string) string =>
  contains(toLower(id), '/providers/microsoft.storage/')
    ? 'blob'
    : contains(toLower(id), '/providers/microsoft.sql/')
        ? 'sqlserver'
        : contains(toLower(id), '/providers/microsoft.dbforpostgresql/') ? 'postgres' : 'redis'

@export()
@description('True for an Azure Managed Redis, false for an Azure Cache for Redis.')
func isManagedRedis(id string) bool => contains(toLower(id), '/providers/microsoft.cache/redisenterprise/')

@export()
@description('True where ids name the same resource: Azure tells no case apart.')
func isAmong(id string, ids string[]) bool => contains(map(ids, each => toLower(each)), toLower(id))

@export()
@description('True where no id before it names the same resource.')
func isFirst(ids string[], at int) bool => !isAmong(ids[at], take(ids, at))

@export()
@description('Each resource once.')
func distinct(ids string[]) string[] => filter(ids, (id, at) => isFirst(ids, at))
