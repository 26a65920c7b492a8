import { z } from 'zod';
import { level } from '../level.ts';
import { counters } from './nodeFigures.ts';
import type { NodeReading } from './rates.ts';
import type { Seeds } from './seeds.ts';
import type { TrendPoint } from './trend.ts';

export interface StoredNode extends NodeReading {
  trend: TrendPoint[];
}

const heldLevel = z.object({ level, since: z.iso.datetime().meta({ description: 'When it was entered.' }) });
export type HeldLevel = z.infer<typeof heldLevel>;

/** What one look leaves for the next: last readings of the nodes, and the levels of the findings. */
export interface WatchState {
  nodes: Record<string, StoredNode>;
  /** By {@link levelKey}. */
  levels: Record<string, HeldLevel>;
  seeds: Seeds;
}

export interface StateStore {
  read(): Promise<unknown>;
  write(state: WatchState): Promise<void>;
}

const schema: z.ZodType<WatchState> = z.object({
  nodes: z.record(
    z.string(),
    z.object({
      at: z.iso.datetime(),
      runId: z.string().nullable(),
      uptimeSeconds: z.number().nullable(),
      counters,
      keys: z.number(),
      ownLookups: z.object({ hits: z.number(), misses: z.number() }),
      trend: z.array(z.tuple([z.number(), z.number()])),
    }),
  ),
  levels: z.record(z.string(), heldLevel),
  // A state of an earlier version has none.
  seeds: z.record(z.string(), z.string()).default({}),
});

/** An unreadable state, as of another version, is none: the next look has one again. */
export function parseState(value: unknown): WatchState {
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : { nodes: {}, levels: {}, seeds: {} };
}

export function levelKey(check: string, node: string | null): string {
  return `${check}|${node ?? ''}`;
}
