import { type Check, critical, pass, unknown } from '../../../checks/check.ts';
import { countOf } from '../../../wording.ts';
import type { RedisSubject } from '../subjects/redisSubject.ts';

/** Names that may be told: an instance name is a word or two, and not the beginning of somebody's key. */
const tellable = (prefix: string) => (prefix === '' ? '(none)' : /^[\w.:/|-]{1,60}$/.test(prefix) ? prefix : '(other)');

/** Tokens lie in the database, and none behind the prefix of the settings. */
export function prefixDiffers(prefixes: ReadonlyMap<string, number>, instanceName: string): boolean {
  return prefixes.size > 0 && !prefixes.has(instanceName);
}

/** Whether the prefix in the settings is the one that the apps use. */
export const instanceNameCheck: Check<RedisSubject> = {
  id: 'instance-name',
  symptom: 'prompts',
  timeLimitMs: 25_000,
  run: async (subject) => {
    const { prefixes, keysSeen } = await subject.sample();
    const own = prefixes.get(subject.instanceName) ?? 0;
    const all = [...prefixes.values()].reduce((sum, count) => sum + count, 0);
    const evidence = [
      { what: 'keys of tokens sampled', value: all },
      { what: 'under the configured InstanceName', value: own },
      ...[...prefixes]
        .sort((a, b) => b[1] - a[1])
        .slice(0, 5)
        .map(([prefix, value]) => ({ what: `under ${tellable(prefix)}`, value })),
    ];
    if (keysSeen === 0) return pass('The database holds no entry yet.', evidence);
    if (all === 0)
      return unknown(
        'no_token_key_sampled',
        `None of ${countOf(keysSeen, 'sampled key')} has the form of a token's key.`,
        'Look again when users have signed in, and see whether defaultDatabase in the connection string is that of the apps.',
        evidence,
      );
    if (!prefixDiffers(prefixes, subject.instanceName))
      return pass('The apps use the InstanceName of the settings.', evidence);
    return critical({
      cause: 'instance_name_differs',
      what: `None of ${countOf(all, 'key')} of tokens begins with the InstanceName of the settings (${tellable(subject.instanceName)}); they begin with ${[...prefixes.keys()].map(tellable).slice(0, 3).join(', ')}.`,
      evidence,
      advice:
        "Make TOKEN_CACHE_INSTANCE_NAME (or `instanceName` in TOKEN_CACHES) and the InstanceName of the apps the same. Apps with different ones do not find each other's entries, and sign users in again.",
    });
  },
};
