import { texts } from 'types/app.bicep'

// Names: Microsoft, "Azure Private Endpoint private DNS zone values".
@export()
@description('Names of the private DNS zones, by the group of the private endpoint.')
func privateZones(sql bool, postgres bool, redis bool, keyRing bool, scripts bool) texts =>
  toObject(
    filter(
      [
        { group: 'blob', name: 'privatelink.blob.${environment().suffixes.storage}', used: true }
        { group: 'queue', name: 'privatelink.queue.${environment().suffixes.storage}', used: true }
        { group: 'table', name: 'privatelink.table.${environment().suffixes.storage}', used: true }
        { group: 'file', name: 'privatelink.file.${environment().suffixes.storage}', used: scripts }
        { group: 'sqlServer', name: 'privatelink${environment().suffixes.sqlServerHostname}', used: sql }
        { group: 'postgresqlServer', name: 'privatelink.postgres.database.azure.com', used: postgres }
        { group: 'redisEnterprise', name: 'privatelink.redis.azure.net', used: redis }
        { group: 'vault', name: 'privatelink.vaultcore.azure.net', used: keyRing }
      ],
      zone => zone.used
    ),
    zone => zone.group,
    zone => zone.name
  )
