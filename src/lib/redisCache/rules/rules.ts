import { cacheRules } from './cacheRules.ts';
import { entryRules } from './entryRules.ts';
import { memoryRules } from './memoryRules.ts';
import type { Rule } from './rule.ts';
import { serverRules } from './serverRules.ts';

/** The table of rules for a node. docs/operations.md explains each check. */
export const nodeRules = [...memoryRules, ...entryRules, ...serverRules];

export { cacheRules };

/** Not a rule: said where last readings cannot be read or kept. */
export const recordStoreCheck = 'recordStore';

/** Not a rule: a node that cannot be looked at has nothing to be judged by. */
export const unreachableCheck = 'unreachable';

const all: readonly Pick<Rule<never>, 'check' | 'isEvent'>[] = [...nodeRules, ...cacheRules];

/** Every check there is. */
export const checkNames: readonly string[] = all.map(({ check }) => check).concat(unreachableCheck, recordStoreCheck);

/** Those that tell of what happened between two looks. */
export const eventChecks: ReadonlySet<string> = new Set(all.filter(({ isEvent }) => isEvent).map(({ check }) => check));
