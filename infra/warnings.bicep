// What somebody who deploys this should know.
import { alertSettings } from 'types/alerts.bicep'
import { inboundSettings } from 'types/app.bicep'
import { attachedMonitoring } from 'types/attached.bicep'
import { madeParts } from 'types/made.bicep'

@export()
@description('True for a serverless database: it is counted once an hour, so that it pauses between two purges.')
func isServerless(make madeParts) bool => startsWith(make.?sql.?skuName ?? '', 'GP_S_')

@export()
@description('Each a sentence, with what to do.')
func warnings(
  make madeParts,
  inbound inboundSettings,
  workspaceId string?,
  componentId string?,
  alerts alertSettings,
  monitoring attachedMonitoring
) string[] =>
  concat(
    isServerless(make)
      ? [
          'The database is serverless: the timers wake it up to purge every half hour, and to count once an hour. S0 costs less where apps use the cache all day.'
        ]
      : [],
    componentId == null
      ? ['There is no Application Insights: findings are on the status page alone. Set AZURE_APPLICATION_INSIGHTS_ID.']
      : [],
    workspaceId == null ? ['There is no workspace: no alert tells of findings. Set AZURE_WORKSPACE_ID.'] : [],
    empty(alerts.emails) && empty(alerts.webhooks) && empty(monitoring.?actionGroupIds ?? [])
      ? ['Nobody hears of an alert: set AZURE_ALERT_EMAIL, or AZURE_ACTION_GROUP_ID.']
      : [],
    inbound.access == 'addresses' && empty(inbound.allowedAddresses)
      ? ['Nobody may deploy: set AZURE_ALLOWED_ADDRESSES.']
      : []
  )
