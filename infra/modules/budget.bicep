import { budgetSettings } from '../types/alerts.bicep'

@description('Name of the budget.')
param name string

@description('Amount and start.')
param settings budgetSettings

@description('Addresses that get mail.')
param emails string[]

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
      }
      actual: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
      }
    }
  }
}
