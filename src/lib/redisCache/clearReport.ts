/** A number of entries; `estimated` where not every key was looked at. */
export interface KeyCount {
  count: number;
  estimated: boolean;
}

interface ClearedCache {
  engine: 'redis';
  /** The prefix of the cache's keys, and the logical database. */
  prefix: string;
  database: number;
  /** Keys under the prefix that are no entries, and were left: no hash with a field `data`. */
  passedOver: number;
  duration: string;
  warnings: string[];
}

/** What a clear of a Redis cache did. */
export interface RedisClearReport extends ClearedCache {
  dryRun: false;
  /** `drained`: every primary was gone through to its end. */
  stopReason: 'drained' | 'timeBudget' | 'aborted';
  deleted: number;
  nodes: { node: string; deleted: number; complete: boolean }[];
  /** Entries seen after the pass: new ones, as apps go on. Null after a pass that stopped early. */
  remaining: KeyCount | null;
}

/** What a clear would do; nothing was changed. */
export interface RedisClearPlan extends ClearedCache {
  dryRun: true;
  wouldDelete: KeyCount;
  nodes: { node: string; entries: KeyCount }[];
}
