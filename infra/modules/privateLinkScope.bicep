@description('Name of an Azure Monitor private link scope.')
param scopeName string

@description('Name of what is added.')
param name string

@description('Its resource id.')
param resourceId string

resource scope 'Microsoft.Insights/privateLinkScopes@2021-07-01-preview' existing = {
  name: scopeName
}

resource added 'Microsoft.Insights/privateLinkScopes/scopedResources@2021-07-01-preview' = {
  parent: scope
  name: name
  properties: { linkedResourceId: resourceId }
}
