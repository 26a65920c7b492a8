import { absence, queryRule, reading } from 'rule.bicep'

@export()
@description('Rules about the Redis caches.')
func redisRules(caches string[]) queryRule[] => [
  absence(
    'watch-absent',
    'redis',
    caches,
    2,
    'PT3H',
    60,
    'No look at Redis has succeeded for an hour. See whether the timers fire: open /api/health.'
  )
  reading(
    'redis-memory-high',
    loadTextContent('../queries/redisMemory.kql'),
    2,
    'PT30M',
    'PT15M',
    'GreaterThan',
    80,
    'Redis uses more than 80 % of its memory. Look at the keys without expiry, then choose a larger size.',
    !empty(caches)
  )
  reading(
    'redis-memory-critical',
    loadTextContent('../queries/redisMemory.kql'),
    1,
    'PT30M',
    'PT15M',
    'GreaterThan',
    90,
    'Redis uses more than 90 % of its memory: entries are about to be evicted, or writes to fail. Choose a larger size now.',
    !empty(caches)
  )
  reading(
    'redis-evictions',
    loadTextContent('../queries/redisEvictions.kql'),
    2,
    'PT30M',
    'PT15M',
    'GreaterThan',
    0,
    'Redis evicted entries: so many users sign in again. Choose a larger size, or a shorter expiry.',
    !empty(caches)
  )
  reading(
    'redis-unreachable',
    loadTextContent('../queries/redisUnreachable.kql'),
    1,
    'PT30M',
    'PT5M',
    'GreaterThan',
    1,
    'Two looks in a row did not reach Redis. The finding in /api/status names the step at which it was lost.',
    !empty(caches)
  )
]
