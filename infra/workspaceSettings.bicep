import { texts } from 'types/app.bicep'

@description('The id of a workspace, and the setting that holds it.')
type workspace = {
  @description('Name of the setting.')
  setting: string

  @description('A GUID.')
  id: string
}

@description('The workspaces.')
param ids workspace[]

@description('Ids, by the setting that holds each.')
output settings texts = toObject(ids, each => each.setting, each => each.id)
