import { action, availabilitySettings, metricOverride } from '../types/alerts.bicep'
import { texts } from '../types/app.bicep'

@description('Begins the names.')
param prefix string

@description('Region.')
param location string

@description('Tags.')
param tags texts

@description('Application Insights component.')
param componentId string

@description('Host name of the function app.')
param hostName string

@description('How often, and from where.')
param settings availabilitySettings

@description('Action groups that are told.')
param actions action[]

@description('The runbook.')
param runbookUrl string

@description('What is set otherwise.')
param override metricOverride

resource test 'Microsoft.Insights/webtests@2022-06-15' = {
  name: '${prefix}-health'
  location: location
  // Ties the test to the component; without it the portal does not find it.
  tags: { ...tags, 'hidden-link:${componentId}': 'Resource' }
  kind: 'standard'
  properties: {
    SyntheticMonitorId: '${prefix}-health'
    Name: '${prefix}-health'
    Description: 'GET /api/health: 200 unless health is failing.'
    Enabled: true
    Frequency: settings.frequency
    Timeout: 30
    Kind: 'standard'
    // An instance that starts may be slow once.
    RetryEnabled: true
    Locations: map(settings.locations, location => { Id: location })
    Request: {
      RequestUrl: 'https://${hostName}/api/health'
      HttpVerb: 'GET'
      ParseDependentRequests: false
      FollowRedirects: false
    }
    ValidationRules: { ExpectedHttpStatusCode: 200, SSLCheck: true, SSLCertRemainingLifetimeCheck: 7 }
  }
}

resource alert 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${prefix}-health-failing'
  location: 'global'
  tags: tags
  properties: {
    description: '/api/health is failing or does not answer: timers are dead, settings are wrong, or the app is down. Open it. Runbook: ${runbookUrl}/app.md#health-failing'
    severity: override.?severity ?? 1
    enabled: override.?enabled ?? true
    scopes: [test.id, componentId]
    // At least one test from each place.
    windowSize: override.?window ?? (settings.frequency == 900 ? 'PT30M' : 'PT15M')
    evaluationFrequency: override.?frequency ?? 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: test.id
      componentId: componentId
      failedLocationCount: override.?threshold ?? settings.failedLocations
    }
    autoMitigate: true
    actions: actions
  }
}
