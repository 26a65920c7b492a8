import { texts } from 'types/app.bicep'

@description('Where a Redis answers, and the setting that says so.')
type endpoint = {
  @description('Name of the setting.')
  setting: string

  @description('Host name and port.')
  address: string
}

@description('Of Azure Managed Redis.')
param endpoints endpoint[]

@description('Of Azure Cache for Redis.')
param others endpoint[]

// Without a password, an Entra token is the password.
@description('Connection strings, by the setting that holds each. None holds a secret.')
output connectionStrings texts = toObject(
  concat(endpoints, others),
  each => each.setting,
  each => '${each.address},ssl=True,abortConnect=False'
)
