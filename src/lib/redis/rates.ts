import { type Counters, counters, type NodeFigures } from './nodeFigures.ts';
import type { StoredNode } from './state.ts';

export type NodeReading = Omit<StoredNode, 'trend'>;

/** What happened at a node since the last look. */
export interface Change {
  since: string;
  /** Time that the counts cover; after a restart, that since the restart. */
  seconds: number;
  /** `failover`: another server, up for longer than since the last look, answers now; its counts cover something else. */
  kind: 'same' | 'restarted' | 'failover';
  /** Null where not known; never negative. */
  counts: Counters;
  keysBefore: number | null;
}

/** Seconds by which clocks and roundings may differ. */
const slackSeconds = 5;

/** The change from the last reading; null where there is none, or it lies in the future. */
export function changeSince(previous: NodeReading | undefined, figures: NodeFigures, now: Date): Change | null {
  if (!previous) return null;
  const elapsed = (now.getTime() - Date.parse(previous.at)) / 1000;
  if (!(elapsed > 0)) return null;
  const kind = kindOfChange(previous, figures, elapsed);
  return {
    since: previous.at,
    seconds: kind === 'restarted' ? Math.min(elapsed, figures.uptimeSeconds ?? elapsed) : elapsed,
    kind,
    counts: counts(kind, previous, figures.counters),
    keysBefore: previous.keys,
  };
}

function kindOfChange(previous: NodeReading, figures: NodeFigures, elapsed: number): Change['kind'] {
  const { runId, uptimeSeconds } = figures;
  const younger = uptimeSeconds !== null && uptimeSeconds <= elapsed + slackSeconds;
  if (runId !== null && previous.runId !== null) {
    if (runId === previous.runId) return 'same';
    return younger ? 'restarted' : 'failover';
  }
  if (uptimeSeconds === null || previous.uptimeSeconds === null || uptimeSeconds >= previous.uptimeSeconds)
    return 'same';
  return younger ? 'restarted' : 'failover';
}

function counts(kind: Change['kind'], { counters: before, ownLookups }: NodeReading, now: Counters): Counters {
  const difference = (name: keyof Counters): number | null => {
    const value = now[name];
    if (value === null || kind === 'failover') return null;
    const earlier = before[name];
    // Counters begin at 0 with a start of the server, and with CONFIG RESETSTAT.
    if (kind === 'restarted' || (earlier !== null && value < earlier)) return value;
    return earlier === null ? null : value - earlier;
  };
  // PTTL and TYPE count as hits and misses, though they touch no entry's age.
  const own: Partial<Record<string, number>> = kind === 'same' ? ownLookups : {};
  const withoutOwn = (name: keyof Counters) => {
    const value = difference(name);
    return value && Math.max(0, value - (own[name] ?? 0));
  };
  return Object.fromEntries(counters.keyof().options.map((name) => [name, withoutOwn(name)])) as Counters;
}
