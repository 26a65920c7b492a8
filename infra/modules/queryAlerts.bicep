import { alertOverrides } from '../types/alerts.bicep'
import { texts } from '../types/app.bicep'

@description('Begins the names of the rules.')
param prefix string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Workspace that is asked.')
param workspaceId string

@description('Action groups that are told.')
param actionGroupIds string[]

@description('The runbook.')
param runbookUrl string

@description('By which the workspace tells the app from others: the name of its role.')
param roleName string

@description('What is set otherwise, by the name of the rule.')
param overrides alertOverrides

@description('The app is deployed after its alerts: its silence counts half an hour later.')
param deployedAt string = utcNow('u')

@description('An ISO 8601 duration of one unit, as KQL says it.')
func timespan(duration string) string => toLower(replace(replace(duration, 'PT', ''), 'P', ''))

@description('Each fires by its column Value.')
var rules = [
  {
    name: 'findings-critical'
    query: replace(loadTextContent('../queries/findings.kql'), '{level}', 'critical')
    severity: 1
    frequency: 'PT5M'
    window: 'PT30M'
    fires: { operator: 'GreaterThan', threshold: 0 }
    dimensions: ['Subject', 'Check', 'WhatToDo', 'Runbook']
    section: 'README.md#findings'
    what: 'A critical finding stands: look now. The alert names its subject, its check and what to do, with the section of the runbook.'
  }
  {
    name: 'findings-warning'
    query: replace(loadTextContent('../queries/findings.kql'), '{level}', 'warning')
    severity: 2
    frequency: 'PT15M'
    window: 'PT30M'
    fires: { operator: 'GreaterThan', threshold: 0 }
    dimensions: ['Subject', 'Check', 'WhatToDo', 'Runbook']
    section: 'README.md#findings'
    what: 'A warning stands: look by day. The alert names its subject, its check and what to do, with the section of the runbook.'
  }
  {
    name: 'app-silent'
    query: replace(loadTextContent('../queries/silence.kql'), '{deployedAt}', deployedAt)
    severity: 1
    frequency: 'PT5M'
    window: 'PT30M'
    fires: { operator: 'LessThan', threshold: 1 }
    dimensions: []
    section: 'app.md#app-silent'
    what: 'Nothing has been heard of the function app in the whole window: it is dead, or its telemetry is refused. No other alert can be relied on.'
  }
  {
    name: 'workspace-over-quota'
    query: loadTextContent('../queries/overQuota.kql')
    severity: 2
    frequency: 'PT1H'
    window: 'P1D'
    fires: { operator: 'GreaterThan', threshold: 0 }
    dimensions: []
    section: 'app.md#workspace-over-quota'
    what: 'The workspace has reached its daily cap: it takes no more telemetry today, so that no other alert by a query fires. Raise the cap.'
  }
]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: '${prefix}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: '${prefix}: ${rule.name}'
      description: '${rule.what} Runbook: ${runbookUrl}/${rule.section}'
      severity: overrides[?rule.name].?severity ?? rule.severity
      enabled: overrides[?rule.name].?enabled ?? true
      windowSize: overrides[?rule.name].?window ?? rule.window
      evaluationFrequency: overrides[?rule.name].?frequency ?? rule.frequency
      scopes: [workspaceId]
      // A new workspace has neither AppMetrics nor AppTraces.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: replace(
              replace(rule.query, '{app}', roleName),
              '{window}',
              timespan(overrides[?rule.name].?window ?? rule.window)
            )
            metricMeasureColumn: 'Value'
            timeAggregation: 'Maximum'
            operator: rule.fires.operator
            threshold: rule.fires.threshold
            dimensions: map(rule.dimensions, name => { name: name, operator: 'Include', values: ['*'] })
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      actions: { actionGroups: actionGroupIds }
    }
  }
]
