@export()
@description('One alert by a query.')
type queryRule = {
  @description('Name of the rule, by which its values may be set otherwise.')
  name: string

  @description('Query; its column Value is compared, by Subject.')
  query: string

  @description('0 (critical) to 4 (verbose).')
  severity: 0 | 1 | 2 | 3 | 4

  @description('The time that the query looks back.')
  window: string

  @description('How often it is evaluated.')
  frequency: string

  @description('How Value is compared with the threshold.')
  operator: 'GreaterThan' | 'LessThan'

  @description('In the unit of Value.')
  threshold: int

  @description('What it means, and what to do first.')
  what: string

  @description('False where there is nothing that it could be about.')
  applies: bool
}

@export()
@description('A rule that fires when nothing is heard.')
func absence(
  name string,
  job string,
  subjects string[],
  severity 0 | 1 | 2 | 3 | 4,
  window string,
  minutes int,
  what string
) queryRule => {
  name: name
  query: replace(replace(loadTextContent('../queries/runAbsent.kql'), '{subjects}', string(subjects)), '{job}', job)
  severity: severity
  window: window
  frequency: 'PT15M'
  operator: 'GreaterThan'
  threshold: minutes
  what: what
  applies: !empty(subjects)
}

@export()
@description('A rule about what arrived.')
func reading(
  name string,
  query string,
  severity 0 | 1 | 2 | 3 | 4,
  window string,
  frequency string,
  operator 'GreaterThan' | 'LessThan',
  threshold int,
  what string,
  applies bool
) queryRule => {
  name: name
  query: query
  severity: severity
  window: window
  frequency: frequency
  operator: operator
  threshold: threshold
  what: what
  applies: applies
}
