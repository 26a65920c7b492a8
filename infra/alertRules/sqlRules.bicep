import { absence, queryRule, reading } from 'rule.bicep'

@export()
@description('Rules about the SQL caches. With hourly counts, the backlog is compared from hour to hour.')
func sqlRules(caches string[], hourlyCounts bool) queryRule[] => [
  absence(
    'purge-absent',
    'purge',
    caches,
    1,
    'PT3H',
    90,
    'No purge has succeeded for 90 minutes. See whether the timers fire: open /api/health, then restart the function app.'
  )
  reading(
    'backlog-growing',
    replace(loadTextContent('../queries/backlogGrowing.kql'), '{interval}', hourlyCounts ? '1h' : '30m'),
    2,
    hourlyCounts ? 'P1D' : 'PT6H',
    'PT15M',
    'GreaterThan',
    5,
    'The expired backlog grew over six runs. Raise PURGE_TIME_BUDGET or lower PURGE_PAUSE_RATIO.',
    !empty(caches)
  )
  reading(
    'oldest-expired',
    loadTextContent('../queries/oldestExpired.kql'),
    2,
    'PT3H',
    'PT15M',
    'GreaterThan',
    6,
    'The oldest expired entry is older than 6 hours. See the reason to stop of the last purges in /api/status.',
    !empty(caches)
  )
  reading(
    'table-size',
    loadTextContent('../queries/tableSize.kql'),
    3,
    'PT3H',
    'PT1H',
    'GreaterThan',
    10,
    'The table is larger than 10 GB. See whether the purge keeps up, then whether the entries are too large or live too long.',
    !empty(caches)
  )
  reading(
    'index-missing',
    loadTextContent('../queries/indexMissing.kql'),
    2,
    'P2D',
    'PT1H',
    'GreaterThan',
    0,
    'There is no usable index that leads with the expiry. Grant ALTER on the table, or create it once yourself.',
    !empty(caches)
  )
  reading(
    'app-purge',
    replace(replace(loadTextContent('../queries/findings.kql'), '{job}', 'purge'), '{checks}', '"appPurge"'),
    3,
    'PT3H',
    'PT1H',
    'GreaterThan',
    0,
    'A web app still purges the table by itself. Set its ExpiredItemsDeletionInterval to 365 days.',
    !empty(caches)
  )
]
