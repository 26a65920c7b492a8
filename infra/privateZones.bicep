import { texts } from 'types/app.bicep'
import { madeParts } from 'types/made.bicep'

// Names: Microsoft, "Azure Private Endpoint private DNS zone values".
@export()
@description('Name of the private DNS zone, by the group of a private endpoint.')
func zoneNames() texts => {
  sites: 'privatelink.azurewebsites.net'
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  sqlServer: 'privatelink${environment().suffixes.sqlServerHostname}'
  postgresqlServer: 'privatelink.postgres.database.azure.com'
  redisEnterprise: 'privatelink.redis.azure.net'
  vault: 'privatelink.vaultcore.azure.net'
}

@export()
@description('Zones that Azure Monitor needs beside that of blobs.')
var monitorZones = [
  'privatelink.monitor.azure.com'
  'privatelink.oms.opinsights.azure.com'
  'privatelink.ods.opinsights.azure.com'
  'privatelink.agentsvc.azure-automation.net'
]

@export()
@description('Names of the zones that a network made here needs.')
func neededZones(make madeParts) string[] =>
  concat(
    map(
      filter(
        [
          { group: 'sites', used: true }
          { group: 'blob', used: true }
          { group: 'queue', used: true }
          { group: 'table', used: true }
          { group: 'sqlServer', used: make.?sql != null }
          { group: 'postgresqlServer', used: make.?postgres != null }
          { group: 'redisEnterprise', used: make.?redis != null }
          { group: 'vault', used: make.?keyRing != null }
        ],
        zone => zone.used
      ),
      zone => zoneNames()[zone.group]
    ),
    make.?network.?monitorPrivately ?? false ? monitorZones : []
  )
