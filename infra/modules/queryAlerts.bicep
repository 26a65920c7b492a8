import { alertOverrides } from '../types/alerts.bicep'
import { texts } from '../types/app.bicep'
import { queryRule } from '../alertRules/rule.bicep'

@description('Begins the names of the rules.')
param prefix string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Workspace that is asked.')
param workspaceId string

@description('Who is told.')
param actionGroupId string

@description('The runbook; each rule has a section of its name in it.')
param runbookUrl string

@description('The rules.')
param rules queryRule[]

@description('What is set otherwise, by the name of the rule.')
param overrides alertOverrides

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: '${prefix}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: '${prefix}: ${rule.name}'
      description: '${rule.what} Runbook: ${runbookUrl}#${rule.name}'
      severity: overrides[?rule.name].?severity ?? rule.severity
      enabled: overrides[?rule.name].?enabled ?? true
      windowSize: overrides[?rule.name].?window ?? rule.window
      evaluationFrequency: overrides[?rule.name].?frequency ?? rule.frequency
      scopes: [workspaceId]
      // A new workspace has no table AppMetrics until the first metric arrives.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            metricMeasureColumn: 'Value'
            timeAggregation: rule.operator == 'LessThan' ? 'Minimum' : 'Maximum'
            operator: rule.operator
            threshold: overrides[?rule.name].?threshold ?? rule.threshold
            // An alert for each cache or ring, by its name.
            dimensions: [{ name: 'Subject', operator: 'Include', values: ['*'] }]
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      actions: { actionGroups: [actionGroupId] }
    }
  }
]
