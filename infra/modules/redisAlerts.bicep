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
  {
    name: 'redis-platform-memory-high'
    metric: 'usedmemorypercentage'
    aggregation: 'Maximum'
    severity: 2
    threshold: 80
    section: 'redis-memory-high'
    what: 'By the platform, Redis uses more than 80 % of its memory.'
  }
  {
    name: 'redis-platform-memory-critical'
    metric: 'usedmemorypercentage'
    aggregation: 'Maximum'
    severity: 1
    threshold: 90
    section: 'redis-memory-critical'
    what: 'By the platform, Redis uses more than 90 % of its memory: entries are about to be evicted. Choose a larger size now.'
  }
  {
    name: 'redis-platform-evictions'
    metric: 'evictedkeys'
    aggregation: 'Total'
    severity: 2
    threshold: 0
    section: 'redis-evictions'
    what: 'By the platform, Redis evicted entries: so many users sign in again.'
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
