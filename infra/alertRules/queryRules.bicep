import { queryRule, reading } from 'rule.bicep'
import { redisRules } from 'redisRules.bicep'
import { ringRules } from 'ringRules.bicep'
import { sqlRules } from 'sqlRules.bicep'

@export()
@description('Every rule by a query.')
func queryRules(sqlCaches string[], redisCaches string[], rings string[], hourlyCounts bool) queryRule[] =>
  filter(
    concat(sqlRules(sqlCaches, hourlyCounts), redisRules(redisCaches), ringRules(rings), [
      reading(
        'job-failures',
        loadTextContent('../queries/jobFailures.kql'),
        2,
        'P2D',
        'PT15M',
        'GreaterThan',
        1,
        'A job failed twice within an hour, or in its last two runs. Its code in /api/status says why, and what to do.',
        true
      )
      reading(
        'poison-messages',
        loadTextContent('../queries/poisonMessages.kql'),
        2,
        'PT6H',
        'PT15M',
        'GreaterThan',
        0,
        'Messages of the work queue failed five times and were given up. Run queue list, correct what GET /api/runs/{id} says, then queue retry.',
        true
      )
    ]),
    rule => rule.applies
  )
