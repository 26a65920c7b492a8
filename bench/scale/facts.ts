/** What the simulation rests on: rates measured here, limits and prices of Azure, each with its source. */

/** docs/performance.md, "Purge on PostgreSQL", 1,000,000 entries: rows/s with the default pauses, and without any. */
export const measured = { oneRun: 57_817, wholeServer: 113_070 };

/** src/lib/settings, the defaults. */
export const defaults = {
  serverConcurrency: 5,
  timeBudgetSeconds: 300,
  continuationPause: 0.1,
  takeoverSeconds: 60,
};

/** host.json: messages that one instance works on at once, at most. */
export const messagesPerInstance = 2 + 10;

/**
 * Flex Consumption: instances of 2,048 MB, 512,000 MB for a subscription and region ("Azure Functions Flex Consumption plan hosting",
 * "Regional subscription memory quotas"). Four instances are added at a time ("Target-based scaling"); how often is not documented: half a
 * minute is assumed.
 */
export const plan = { memoryGb: 2, mostInstances: 250, addedAtOnce: 4, addedEverySeconds: 30 };

/** "Scalability and performance targets for Queue Storage". */
export const queueLimit = { messagesPerSecond: 2_000 };

/**
 * List prices in US dollars, pay as you go, East US, of 2025; they change and differ by region: see the pricing pages. Flex Consumption
 * on demand: 0.000026 per GB-s and 0.40 per million executions, without the free grant. Storage: 0.004 per 10,000 operations on queues
 * and 0.05 per 10,000 on blobs (a lease counted as a write, the dearer kind) is assumed. The rate to the euro is assumed too.
 */
export const prices = {
  gbSecond: 0.000026,
  execution: 0.4 / 1e6,
  queueOperation: 0.004 / 1e4,
  blobOperation: 0.05 / 1e4,
  eurosPerDollar: 0.92,
};
