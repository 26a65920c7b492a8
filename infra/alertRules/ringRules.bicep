import { absence, queryRule, reading } from 'rule.bicep'

@export()
@description('Rules about the key rings.')
func ringRules(rings string[]) queryRule[] => [
  absence(
    'rotation-absent',
    'rotateKeyRing',
    rings,
    2,
    'P2D',
    1560,
    'No run on the key ring has succeeded for 26 hours. See whether the timers fire: open /api/health.'
  )
  reading(
    'key-ring-without-default',
    loadTextContent('../queries/keyRingWithoutDefault.kql'),
    1,
    'P2D',
    'PT1H',
    'LessThan',
    7,
    'The key ring has no default key in 7 days. Run key-ring rotate.',
    !empty(rings)
  )
  reading(
    'rotation-failed',
    loadTextContent('../queries/rotationFailed.kql'),
    2,
    'P2D',
    'PT1H',
    'GreaterThan',
    0,
    'The last rotation or re-wrapping failed. Run key-ring status: it says why.',
    !empty(rings)
  )
  reading(
    'keys-in-plain-text',
    replace(
      replace(loadTextContent('../queries/findings.kql'), '{job}', 'rotateKeyRing'),
      '{checks}',
      '"master_key_in_plain_text", "protection_none"'
    ),
    1,
    'P2D',
    'PT1H',
    'GreaterThan',
    0,
    'Keys of the ring lie in plain text. Protect the ring in the apps and in KEY_RINGS, then revoke those keys.',
    !empty(rings)
  )
  reading(
    'key-version-expires',
    loadTextContent('../queries/keyVersionExpires.kql'),
    2,
    'P2D',
    'PT1H',
    'LessThan',
    30,
    'The Key Vault key version expires within 30 days, though its rotation policy replaces it three months ahead. Rotate the key in the vault.',
    !empty(rings)
  )
]
