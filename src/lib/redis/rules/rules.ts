import { byName } from '../../byName.ts';
import { type Level, level } from '../../level.ts';
import { cacheRules } from './cacheRules.ts';
import { entryRules } from './entryRules.ts';
import { memoryCheck, memoryRules } from './memoryRules.ts';
import type { Rule } from './rule.ts';
import { serverRules } from './serverRules.ts';

/** The table of rules for a node. docs/runbook explains each check. */
export const nodeRules = [...memoryRules, ...entryRules, ...serverRules];

export { cacheRules };

/** Not a rule: said where last readings cannot be read or kept. */
export const recordStoreCheck = 'recordStore';

/** Not a rule: a node that cannot be looked at has nothing to be judged by. */
export const unreachableCheck = 'redis-unreachable';

const all: readonly Pick<Rule<never>, 'check' | 'nameOf' | 'isEvent'>[] = [
  ...nodeRules,
  ...cacheRules,
  { check: unreachableCheck },
  { check: recordStoreCheck },
];

/** What the findings of each rule are called. */
export const namesOfRules: ReadonlyMap<string, readonly string[]> = new Map(
  all.map(({ check, nameOf }) => [check, nameOf ? [...new Set(level.options.map(nameOf))] : [check]]),
);

/** Every check that a finding of a look can have. */
export const watchCheckNames: readonly string[] = [...namesOfRules.values()].flat();

/** Those that tell of what happened between two looks. */
export const eventChecks: ReadonlySet<string> = new Set(all.filter(({ isEvent }) => isEvent).map(({ check }) => check));

/** Names that the records of earlier versions hold, and the present ones. */
export const earlierCheckNames = byName<(level: Level) => string>({
  memory: memoryCheck,
  evictions: () => 'redis-evictions',
  unreachable: () => unreachableCheck,
});
