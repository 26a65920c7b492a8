@export()
@description('Texts by name.')
type texts = {
  @description('A text.')
  *: string
}

@export()
@description('Easy Auth with an app registration that has the app roles of `infra/appRoles.json`.')
type signInSettings = {
  @description('Application (client) id of the registration.')
  clientId: string

  @description('Audiences of tokens; default `api://CLIENT_ID`.')
  allowedAudiences: string[]?
}

@export()
@description('Who reaches the function app from outside.')
type inboundSettings = {
  @description('`public`: everybody, and keys of functions decide. `addresses`: those below, and the availability test. `private`: nobody; a private endpoint is the way in, also for deployments.')
  access: 'public' | 'addresses' | 'private'

  @description('CIDR ranges that may call the app, and deploy to it.')
  allowedAddresses: string[]
}

@export()
@description('Instances of the function app.')
type appSettings = {
  @description('Node.js; 24 is the newest that Flex Consumption runs.')
  nodeVersion: '22' | '24'

  @description('Memory of an instance.')
  instanceMemoryMB: 512 | 2048 | 4096

  @description('Never more instances at once.')
  maximumInstanceCount: int

  @description('Instances and storage over several zones. Costs: it keeps two instances ready for each timer, around the clock.')
  zoneRedundant: bool
}

@export()
@description('How a resource is reached from within the network; null for its public endpoint.')
type privateAccess = {
  @description('Subnet of the private endpoints.')
  subnetId: string

  @description('Ids of the private DNS zones, by their names. One that is missing is taken to be filled by a policy.')
  zoneIds: texts
}
