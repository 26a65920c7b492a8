import { webhook } from '../types/alerts.bicep'
import { texts } from '../types/app.bicep'

@description('Name of the action group.')
param name string

@description('Tags.')
param tags texts

@description('Addresses that get mail.')
param emails string[]

@description('Webhooks.')
param webhooks webhook[]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'token-cache'
    enabled: true
    emailReceivers: [
      for (email, index) in emails: { name: 'mail-${index}', emailAddress: email, useCommonAlertSchema: true }
    ]
    webhookReceivers: [
      for webhook in webhooks: { name: webhook.name, serviceUri: webhook.uri, useCommonAlertSchema: true }
    ]
  }
}

@description('Resource id.')
output id string = group.id
