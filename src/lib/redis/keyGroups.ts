import { z } from 'zod';
import { tokenKey } from '../tokenKeys.ts';

/** What a key is, as far as its name says, and the part of the name that may be told: keys name users. */
export const keyKind = z.object({
  prefix: z.string(),
  kind: z.enum(['user tokens', 'app tokens', 'key ring', 'other']),
});
export type KeyKind = z.infer<typeof keyKind>;

/** Sorts a key by the forms that Microsoft.Identity.Web gives its keys. */
export function kindOfKey(key: string, instanceName: string, keyRingKey: string): KeyKind {
  if (key === keyRingKey) return { prefix: key, kind: 'key ring' };
  const token = tokenKey(key);
  if (token) return { prefix: token.prefix && tellable(token.prefix, instanceName), kind: `${token.kind} tokens` };
  if (instanceName !== '' && key.startsWith(instanceName)) return { prefix: instanceName, kind: 'other' };
  const prefix = /^[^:/|]*[:/|]/.exec(key)?.[0] ?? '';
  return { prefix: tellable(prefix, instanceName), kind: 'other' };
}

/** Told under one heading where a prefix may name somebody, or cannot be told from the rest of the key. */
export const mixedPrefix = '(mixed)';

export function tellable(prefix: string, instanceName: string): string {
  if (prefix === instanceName && prefix !== '') return prefix;
  const plain = /^[\w.:/|-]{1,60}$/.test(prefix) && !/\d{4,}|[0-9a-f]{8,}/i.test(prefix);
  return plain ? prefix : mixedPrefix;
}
