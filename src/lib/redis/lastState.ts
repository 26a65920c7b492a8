import { unreachableCheck } from './rules/rules.ts';
import { levelKey, parseState, type StateStore, type WatchState } from './state.ts';

/** A store that fails costs the look nothing but its comparison with the last one. */
export async function lastState(store: StateStore): Promise<{ state: WatchState; unread: boolean }> {
  try {
    return { state: parseState(await store.read()), unread: false };
  } catch {
    return { state: parseState(undefined), unread: true };
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
