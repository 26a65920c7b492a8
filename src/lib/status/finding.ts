/** `info`: good to know · `warning`: look by day · `critical`: look now. */
export type Level = 'info' | 'warning' | 'critical';

/** Something that a reader of the status should know, with what to do about it. */
export interface Finding {
  level: Level;
  /** What it concerns: a cache, a timer, a ring, a setting. */
  subject: string;
  what: string;
  advice: string;
  /** Since when, ISO 8601; null where that is not known. */
  since: string | null;
}

const gravity: Record<Level, number> = { critical: 0, warning: 1, info: 2 };

/** The gravest first; among equals the order of `findings` stays. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => gravity[a.level] - gravity[b.level]);
}

/** The gravest level; `ok` where nothing asks for a look. */
export function gravest(findings: readonly Finding[]): 'ok' | 'warning' | 'critical' {
  const levels = new Set(findings.map(({ level }) => level));
  return levels.has('critical') ? 'critical' : levels.has('warning') ? 'warning' : 'ok';
}
