import { z } from 'zod';

/** `info`: good to know · `warning`: look by day · `critical`: look now. The one scale of findings. */
export const level = z.enum(['info', 'warning', 'critical']);
export type Level = z.infer<typeof level>;

/** The worst first; among equals the order stays. */
export function worstFirst<T extends { level: Level }>(findings: readonly T[]): T[] {
  return [...findings].sort((a, b) => level.options.indexOf(b.level) - level.options.indexOf(a.level));
}

/** The worst level; undefined where there is no finding. */
export function worst(findings: readonly { level: Level }[]): Level | undefined {
  return worstFirst(findings)[0]?.level;
}
