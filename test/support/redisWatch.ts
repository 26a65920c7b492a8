import { expect } from 'vitest';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { parseConnectionString } from '../../src/lib/redis/connectionString.ts';
import type { LineOptions } from '../../src/lib/redis/line/ioredisLine.ts';
import { openNode } from '../../src/lib/redis/line/ioredisNode.ts';
import type { WatchPolicy } from '../../src/lib/redis/policy.ts';
import type { WatchState } from '../../src/lib/redis/state.ts';
import { type WatchContext, type WatchRequest, watchRedis } from '../../src/lib/redis/watch.ts';
import { type NodeUp, type WatchReport, watchReport } from '../../src/lib/redis/watchReport.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';

/** The policy of the default settings. */
export const defaultPolicy: WatchPolicy = readSettings({}, 'table').redis.policy;

export interface TestWatch {
  look(request?: WatchRequest): Promise<WatchReport>;
  state: WatchState | undefined;
}

/** A watch of a cache, whose readings live in memory from look to look. */
export function testWatch(
  connectionString: string,
  changes: Partial<WatchContext> = {},
  node: Partial<LineOptions> = {},
): TestWatch {
  const connection = parseConnectionString(connectionString);
  const { user, password } = connection;
  const options: LineOptions = {
    ...connection,
    ca: undefined,
    timeoutMs: connection.connectTimeoutMs,
    login: async () => ({ user, password }),
    ...node,
  };
  const watch: TestWatch = {
    state: undefined,
    look: async (request) => {
      const report = await watchRedis(
        {
          connection,
          connect: (endpoint, signal) => openNode(endpoint, options, signal),
          state: {
            read: async () => watch.state,
            write: async (state) => {
              // As a record store gives it back.
              watch.state = JSON.parse(JSON.stringify(state)) as WatchState;
            },
          },
          policy: defaultPolicy,
          database: connection.database,
          instanceName: '',
          maxMemoryBytes: undefined,
          resource: undefined,
          clock: systemClock,
          random: Math.random,
          ...changes,
        },
        request,
      );
      expect(watchReport.parse(report)).toEqual(report);
      return report;
    },
  };
  return watch;
}

export function findingOf(report: WatchReport, check: string) {
  return report.findings.find((finding) => finding.check === check);
}

export function nodeOf(report: WatchReport, name?: string): NodeUp {
  const node = report.nodes.find((each) => name === undefined || each.node === name);
  if (!node?.up) throw new Error(`${node?.node ?? 'no node'} is not up: ${node?.step}`);
  return node;
}

/** A clock whose wall time is turned by hand. */
export function turnedClock(): Clock & { turn(ms: number): void } {
  let offset = 0;
  return {
    ...systemClock,
    now: () => new Date(Date.now() + offset),
    turn: (ms) => {
      offset += ms;
    },
  };
}

/** A short deadline, for what hangs. */
export const quick = { policy: { ...defaultPolicy, timeoutMs: 3_000 } };

/** One look at a cache, with a short deadline, and what it says of an unreachable node. */
export async function lookOnce(connectionString: string, node: Partial<LineOptions> = {}, changes: object = quick) {
  const report = await testWatch(`${connectionString},abortConnect=False`, changes, node).look();
  return { report, finding: findingOf(report, 'redis-unreachable') };
}
