import { texts } from 'types/app.bicep'
import { keyRingSettings, postgresSettings, redisSettings, sqlSettings } from 'types/caches.bicep'

@export()
@description('Name of the SQL Server cache.')
func sqlCacheName(sql sqlSettings) string => sql.?cacheName ?? 'web'

@export()
@description('Name of the PostgreSQL cache.')
func postgresCacheName(postgres postgresSettings) string => postgres.?cacheName ?? 'postgres'

@export()
@description('Name of the Redis cache.')
func redisCacheName(redis redisSettings) string => redis.?cacheName ?? 'redis'

@export()
@description('Name of the key ring.')
func ringName(ring keyRingSettings) string => ring.?name ?? 'web'

@export()
@description('True for a serverless database: it is counted once an hour, so that it pauses between two purges.')
func isServerless(sql sqlSettings) bool => sql.mode == 'new' && startsWith(sql.?skuName ?? 'S0', 'GP_S_')

@export()
@description('Connection string of the SQL Server cache: signs in as the identity, so it holds no secret.')
func sqlConnection(host string, database string, clientId string) string =>
  'Server=tcp:${host},1433;Database=${database};Authentication=Active Directory Managed Identity;User ID=${clientId};Encrypt=true'

@export()
@description('Connection string of the PostgreSQL cache: without a password, an Entra token is the password.')
func postgresConnection(host string, database string, role string) string =>
  'Host=${host};Database=${database};Username=${role};SSL Mode=Require'

@export()
@description('Connection string of the Redis cache: without a password, an Entra token is the password.')
func redisConnection(endpoint string) string => '${endpoint},ssl=True,abortConnect=False'

@export()
@description('Host name of the SQL server.')
func sqlHost(sql sqlSettings, token string) string =>
  sql.?host ?? 'sql-${token}${environment().suffixes.sqlServerHostname}'

@export()
@description('Name of the SQL database.')
func sqlDatabase(sql sqlSettings) string => sql.?database ?? 'tokencache'

@export()
@description('Host name of the PostgreSQL server.')
func postgresHost(token string) string => 'psql-${token}.postgres.database.azure.com'

@export()
@description('Connection strings of the caches, by the setting that holds each. None holds a secret.')
func connectionStrings(
  sql sqlSettings,
  postgres postgresSettings,
  redis redisSettings,
  token string,
  identityName string,
  clientId string,
  redisEndpoint string
) texts =>
  union(
    sql.mode == 'none' ? {} : { SQL_CONNECTION_STRING: sqlConnection(sqlHost(sql, token), sqlDatabase(sql), clientId) },
    postgres.mode == 'none'
      ? {}
      : { POSTGRES_CONNECTION_STRING: postgresConnection(postgresHost(token), 'tokencache', identityName) },
    redis.mode == 'none' ? {} : { REDIS_CONNECTION_STRING: redisConnection(redisEndpoint) }
  )

@export()
@description('TOKEN_CACHES.')
func tokenCaches(sql sqlSettings, postgres postgresSettings, redis redisSettings, redisId string) string =>
  string(concat(
    sql.mode == 'none'
      ? []
      : [
          {
            name: sqlCacheName(sql)
            engine: 'sqlserver'
            connectionStringSetting: 'SQL_CONNECTION_STRING'
            table: sql.?table ?? 'dbo.TokenCache'
          }
        ],
    postgres.mode == 'none'
      ? []
      : [
          {
            name: postgresCacheName(postgres)
            engine: 'postgres'
            connectionStringSetting: 'POSTGRES_CONNECTION_STRING'
            table: postgres.?table ?? 'public.tokencache'
          }
        ],
    redis.mode == 'none'
      ? []
      : [
          {
            name: redisCacheName(redis)
            engine: 'redis'
            connectionStringSetting: 'REDIS_CONNECTION_STRING'
            instanceName: redis.?instanceName ?? ''
            resourceId: redisId
          }
        ]
  ))

@export()
@description('KEY_RINGS.')
func keyRings(ring keyRingSettings, containerUrl string, keyId string, caches string[]) string =>
  string([
    {
      name: ringName(ring)
      mode: ring.mode
      store: { kind: 'blob', url: '${containerUrl}/${ring.?blob ?? 'keys.xml'}' }
      protector: { kind: 'keyVault', keyId: keyId }
      caches: caches
    }
  ])

@export()
@description('What the Functions host needs to reach its storage and to send telemetry, by identity.')
func hostSettings(accountName string, storageSuffix string, clientId string, telemetryTo string) texts => {
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: clientId
  // Hosts that know the services' addresses alone fail now and then as they start (Azure/azure-functions-host#11787);
  // the addresses, for clouds whose storage has another suffix.
  AzureWebJobsStorage__accountName: accountName
  AzureWebJobsStorage__blobServiceUri: 'https://${accountName}.blob.${storageSuffix}'
  AzureWebJobsStorage__queueServiceUri: 'https://${accountName}.queue.${storageSuffix}'
  AzureWebJobsStorage__tableServiceUri: 'https://${accountName}.table.${storageSuffix}'
  APPLICATIONINSIGHTS_CONNECTION_STRING: telemetryTo
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${clientId}'
  // The identity is user-assigned: without this, libraries look for one that the system assigned.
  AZURE_CLIENT_ID: clientId
}
