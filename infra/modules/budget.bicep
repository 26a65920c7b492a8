import { budgetSettings } from '../types/alerts.bicep'

@description('Name of the budget.')
param name string

@description('Amount and start.')
param settings budgetSettings

@description('Addresses that get mail.')
param emails string[]

// Owners always hear of it: a budget that nobody would hear of is refused.
@description('Roles whose holders get mail as well.')
var roles = ['Owner']

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: name
  properties: {
    category: 'Cost'
    timeGrain: 'Monthly'
    amount: settings.amount
    timePeriod: { startDate: settings.startDate }
    notifications: {
      forecast: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
        contactRoles: roles
      }
      actual: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
        contactRoles: roles
      }
    }
  }
}
