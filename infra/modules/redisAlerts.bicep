import { alertOverrides } from '../types/alerts.bicep'
import { texts } from '../types/app.bicep'

@description('Begins the names of the rules.')
param prefix string

@description('Tags.')
param tags texts

@description('The Redis.')
param redisId string

@description('Its kind: both publish these metrics, an Azure Managed Redis every 5 minutes.')
param namespace 'Microsoft.Cache/redisEnterprise' | 'Microsoft.Cache/redis'

@description('Who is told.')
param actionGroupId string

@description('The runbook.')
param runbookUrl string

@description('What is set otherwise, by the name of the rule.')
param overrides alertOverrides

@description('Rules about the platform\'s own metrics: they work when the function app does not.')
var rules = [
  // Load is what the app cannot see. What its findings tell (memory, evictions) is told by them alone, at their levels.
  // Threshold and severity: Azure Monitor Baseline Alerts, services/Cache/redis; of a redisEnterprise it has the maximum alone.
  {
    name: 'redis-platform-load'
    metric: 'serverLoad'
    aggregation: 'Maximum'
    severity: 3
    threshold: 85
    section: 'redis-platform-load'
    what: 'By the platform, a node of the Redis is busy for more than 85 % of its time: each sign-in waits.'
  }
]

resource alerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for rule in rules: {
    name: '${prefix}-${rule.name}'
    location: 'global'
    tags: tags
    properties: {
      description: '${rule.what} Runbook: ${runbookUrl}#${rule.section}'
      severity: overrides[?rule.name].?severity ?? rule.severity
      enabled: overrides[?rule.name].?enabled ?? true
      scopes: [redisId]
      // Three grains of 5 minutes: one alone may come late.
      windowSize: overrides[?rule.name].?window ?? 'PT15M'
      evaluationFrequency: overrides[?rule.name].?frequency ?? 'PT5M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: rule.name
            metricNamespace: namespace
            metricName: rule.metric
            timeAggregation: rule.aggregation
            operator: 'GreaterThan'
            threshold: overrides[?rule.name].?threshold ?? rule.threshold
          }
        ]
      }
      autoMitigate: true
      actions: [{ actionGroupId: actionGroupId }]
    }
  }
]
