import { platformRule } from '../platformRules.bicep'
import { action, alertOverrides } from '../types/alerts.bicep'
import { texts } from '../types/app.bicep'

@description('Begins the names of the rules.')
param prefix string

@description('What is watched, in the names: a cache, an account, a vault.')
param subject string

@description('Tags.')
param tags texts

@description('The resource.')
param resourceId string

@description('Its kind, such as `Microsoft.Sql/servers/databases`.')
param namespace string

@description('What is watched about it.')
param rules platformRule[]

@description('Action groups that are told.')
param actions action[]

@description('The runbook.')
param runbookUrl string

@description('What is set otherwise, by the name of the rule.')
param overrides alertOverrides

// A database is measured by DTU or by vCores: which, it says itself.
resource database 'Microsoft.Sql/servers/databases@2025-01-01' existing = if (namespace == 'Microsoft.Sql/servers/databases') {
  name: '${split(resourceId, '/')[8]}/${last(split(resourceId, '/'))}'
  scope: resourceGroup(split(resourceId, '/')[2], split(resourceId, '/')[4])
}

resource alerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for rule in rules: {
    name: '${prefix}-${rule.name}-${subject}'
    location: 'global'
    tags: tags
    properties: {
      description: '${rule.what} Runbook: ${runbookUrl}/platform.md#${rule.name}'
      severity: overrides[?rule.name].?severity ?? rule.severity
      enabled: overrides[?rule.name].?enabled ?? (rule.?tiers == null || contains(rule.tiers!, database!.sku.tier))
      scopes: [resourceId]
      windowSize: overrides[?rule.name].?window ?? rule.window
      evaluationFrequency: overrides[?rule.name].?frequency ?? rule.frequency
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: rule.name
            metricNamespace: namespace
            metricName: rule.metric
            timeAggregation: rule.aggregation
            operator: rule.operator
            threshold: overrides[?rule.name].?threshold ?? rule.threshold
            // No value ever came of what the database does not have.
            skipMetricValidation: true
          }
        ]
      }
      autoMitigate: true
      actions: actions
    }
  }
]
