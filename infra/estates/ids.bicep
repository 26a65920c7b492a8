// Where the estates of these parameter files are: subscriptions that nobody has.

@export()
@description('The data of the web apps.')
var data = '/subscriptions/aaaaaaaa-0000-0000-0000-000000000001/resourceGroups/rg-data/providers'

@export()
@description('What the platform team keeps.')
var platform = '/subscriptions/aaaaaaaa-0000-0000-0000-000000000002/resourceGroups/rg-platform/providers'

@export()
@description('A hub.')
var hub = '/subscriptions/aaaaaaaa-0000-0000-0000-000000000002/resourceGroups/rg-hub/providers'

@export()
@description('A spoke, in the subscription of the app.')
var spoke = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-spoke/providers'
