import { z } from 'zod';
import { level } from '../level.ts';
import { counters } from './nodeFigures.ts';
import { unreachableCheck } from './rules/rules.ts';

/** The last look at a node, as far as the next one needs it. */
const storedNode = z.object({
  at: z.iso.datetime(),
  runId: z.string().nullable(),
  uptimeSeconds: z.number().nullable(),
  counters,
  keys: z.number().nullable(),
  ownLookups: z
    .object({ hits: z.number(), misses: z.number() })
    .meta({ description: 'Look-ups of keys that the watch itself made after it had read the counters.' }),
  /** See trend.ts. */
  trend: z.array(z.tuple([z.number(), z.number()])),
});
export type StoredNode = z.infer<typeof storedNode>;

const watchState = z.object({
  nodes: z.record(z.string(), storedNode),
  /** By {@link levelKey}. */
  levels: z.record(
    z.string(),
    z.object({ level, since: z.iso.datetime().meta({ description: 'When it was entered.' }) }),
  ),
  // A state of an earlier version has none.
  seeds: z.record(z.string(), z.string()).default({}),
});
/** What one look leaves for the next: last readings of the nodes, the levels of the findings, and the seeds (seeds.ts). */
export type WatchState = z.infer<typeof watchState>;

export interface StateStore {
  read(): Promise<unknown>;
  write(state: WatchState): Promise<void>;
}

/**
 * What the last look left. A store that fails costs the look nothing but its comparison with the last one; an unreadable
 * state, as of another version, is none: the next look has one again.
 */
export async function lastState(store: StateStore): Promise<{ state: WatchState; unread: boolean }> {
  const none: WatchState = { nodes: {}, levels: {}, seeds: {} };
  try {
    return { state: watchState.safeParse(await store.read()).data ?? none, unread: false };
  } catch {
    return { state: none, unread: true };
  }
}

/** Whether the state could be kept. */
export async function kept(store: StateStore, state: WatchState): Promise<boolean> {
  try {
    await store.write(state);
    return true;
  } catch {
    return false;
  }
}

export function levelKey(check: string, node: string | null): string {
  return `${check}|${node ?? ''}`;
}

const keptMs = 86_400_000;

/** Readings and levels of nodes that were not seen now wait a day for their return. */
export function keepAbsent(state: WatchState, next: WatchState, seen: ReadonlySet<string>, now: Date): void {
  for (const [node, reading] of Object.entries(state.nodes)) {
    if (seen.has(node) || now.getTime() - Date.parse(reading.at) > keptMs) continue;
    next.nodes[node] = reading;
    for (const [key, held] of Object.entries(state.levels))
      if (key.endsWith(`|${node}`) && key !== levelKey(unreachableCheck, node)) next.levels[key] ??= held;
  }
}
