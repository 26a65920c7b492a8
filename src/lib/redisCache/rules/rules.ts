import { cacheRules } from './cacheRules.ts';
import { entryRules } from './entryRules.ts';
import { memoryRules } from './memoryRules.ts';
import { serverRules } from './serverRules.ts';

/** The table of rules for a node. docs/operations.md explains each check. */
export const nodeRules = [...memoryRules, ...entryRules, ...serverRules];

export { cacheRules };

/** Not a rule: said where last readings cannot be read or kept. */
export const recordStoreCheck = 'recordStore';

/** Not a rule: a node that cannot be looked at has nothing to be judged by. */
export const unreachableCheck = 'unreachable';

/** Every check there is, for the metrics, which say 0 where there is no finding. */
export const checkNames: readonly string[] = [...nodeRules, ...cacheRules]
  .map(({ check }) => check)
  .concat(unreachableCheck, recordStoreCheck);
