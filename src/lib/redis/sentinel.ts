import type { Endpoint } from './redisConnection.ts';
import type { Open, RedisNode } from './redisNode.ts';
import type { UnreachableError } from './unreachable.ts';

/** What a Sentinel knows of the Redis that it watches (Redis documentation, "Sentinel commands"). */
export interface SentinelView {
  /** The name under which the Sentinels watch the primary; `serviceName` of a connection string. */
  service: string;
  primary: Endpoint;
  /** `objective`: so many Sentinels do not reach the primary that a failover is due; `subjective`: this one does not. */
  primaryDown: 'objective' | 'subjective' | null;
  replicas: Endpoint[];
  /** The other Sentinels of the same primary. */
  others: Endpoint[];
  /** Enough Sentinels reach each other to agree on a failover; null where it may not be asked. */
  quorum: boolean | null;
}

/** One Sentinel, asked or not reached. */
export type SentinelVisit = { node: string } & ({ view: SentinelView } | { error: UnreachableError });

/** Opens what holds the keys: where the endpoint is a Sentinel, the primary that this one names. */
export function throughSentinel<N extends RedisNode>(open: Open<N>): Open<N> {
  return async (endpoint, signal) => {
    const node = await open(endpoint, signal);
    const view = await node.sentinel().catch((error: unknown) => {
      node.close();
      throw error;
    });
    if (!view) return node;
    node.close();
    return open(view.primary, signal);
  };
}
