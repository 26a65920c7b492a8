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
  @description('True: everybody is refused but the service tag ApplicationInsightsAvailability and the addresses below.')
  denyByDefault: bool

  @description('CIDR ranges that may call the app, and deploy to it.')
  allowedAddresses: string[]
}

@export()
@description('A virtual network with private endpoints.')
type networkSettings = {
  @description('False: public endpoints.')
  enabled: bool

  @description('A /24 that nothing else uses; default `10.90.0.0/24`.')
  addressPrefix: string?

  @description('An existing storage account for the deployment scripts, which allows shared keys and has a private endpoint for `file` in this network. Needed only where deployment scripts cannot mount the account made here by identity (docs/operations.md, "The deployment script does not start").')
  scriptStorageAccount: string?
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

  @description('Instances and storage over several zones.')
  zoneRedundant: bool
}

@export()
@description('How a resource is reached from within the network; null for its public endpoint.')
type privateAccess = {
  @description('Subnet of the private endpoints.')
  subnetId: string

  @description('Ids of the private DNS zones, by the group of the private endpoint.')
  zoneIds: texts
}
