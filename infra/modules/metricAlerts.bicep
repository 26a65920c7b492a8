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

resource alerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for rule in rules: {
    name: '${prefix}-${rule.name}-${subject}'
    location: 'global'
    tags: tags
    properties: {
      description: '${rule.what} Runbook: ${runbookUrl}#${rule.section}'
      severity: overrides[?rule.name].?severity ?? rule.severity
      enabled: overrides[?rule.name].?enabled ?? true
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
            // A database by vCores has no DTU: the rule then waits for a metric that never comes.
            skipMetricValidation: true
          }
        ]
      }
      autoMitigate: true
      actions: actions
    }
  }
]
