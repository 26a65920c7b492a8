import { createHash } from 'node:crypto';

/** Keys of entries name users: a short hash of one is told, unless the operator asks for the key itself. */
export type ShowKey = (key: string) => string;

export function showKeys(inClear: boolean): ShowKey {
  return inClear ? (key) => key : (key) => `#${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
}
