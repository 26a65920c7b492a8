import { defaults, messagesPerInstance, plan, prices } from './facts.ts';

export interface Scenario {
  name: string;
  caches: number;
  /** Expired entries of all caches together. */
  expired: number;
  servers: number;
  /** Rows/s that one run deletes at most, and that a server deletes for all its runs. */
  oneRun: number;
  wholeServer: number;
  mostInstances: number;
  serverConcurrency: number;
}

export interface Sample {
  hours: number;
  left: number;
  instances: number;
  runs: number;
  rowsPerSecond: number;
}

export interface Outcome {
  scenario: Scenario;
  /** Hours until half of the caches, nine tenths, and all are drained. */
  hours: { half: number; most: number; all: number };
  peakInstances: number;
  peakRuns: number;
  /** Share of its own most that the busiest server worked at, over the whole time until it was drained. */
  serverLoad: number;
  peakQueueOperationsPerSecond: number;
  euros: { compute: number; executions: number; storage: number; all: number };
  samples: Sample[];
}

interface Cache {
  server: number;
  left: number;
  /** `waiting` from `since` on; `running` since then. */
  state: 'waiting' | 'running' | 'drained';
  since: number;
  drainedAt: number;
}

const stepSeconds = 10;
const longestSeconds = 60 * 24 * 3_600;

/**
 * The draining of a first backlog, in steps of 10 s: messages wait for an instance and a place at their server, run for a
 * budget, pause, and go on. A server's rate is shared by its runs. Deterministic: it gives the same figures each time.
 */
export function simulate(scenario: Scenario): Outcome {
  const caches = cachesOf(scenario);
  const busy = new Array<number>(scenario.servers).fill(0);
  const samples: Sample[] = [];
  let instances = 0;
  let instanceSeconds = 0;
  let executions = 0;
  let queueOperations = 0;
  let blobOperations = 0;
  let peak = { instances: 0, runs: 0, queueOperations: 0 };
  let now = 0;
  while (caches.some(({ state }) => state !== 'drained') && now < longestSeconds) {
    const ready = caches.filter(({ state, since }) => state === 'waiting' && since <= now);
    const running = caches.filter(({ state }) => state === 'running');
    // A run has a hidden standby message beside its own; the platform counts both.
    const wanted = Math.ceil((ready.length + 2 * running.length) / messagesPerInstance);
    if (now % plan.addedEverySeconds === 0 && wanted > instances)
      instances = Math.min(instances + plan.addedAtOnce, wanted, scenario.mostInstances);
    if (wanted < instances) instances = wanted;

    const started = start(ready, running.length, instances, busy, scenario, now);
    // A message without a place is received, asks for every place, is put anew and deleted, once a minute.
    const turnedAway = ((ready.length - started) * stepSeconds) / 60;
    executions += started + turnedAway;
    const active = caches.filter(({ state }) => state === 'running');
    const renewals = (active.length * stepSeconds) / (defaults.takeoverSeconds / 3);
    const operations = 5 * started + 3 * turnedAway + renewals + instances * (stepSeconds / 10);
    queueOperations += operations;
    blobOperations += started * 2 + turnedAway * scenario.serverConcurrency + active.length;
    const rowsPerSecond = work(active, busy, scenario, now);
    instanceSeconds += Math.min(instances, active.length + turnedAway) * stepSeconds;
    peak = {
      instances: Math.max(peak.instances, instances),
      runs: Math.max(peak.runs, active.length),
      queueOperations: Math.max(peak.queueOperations, operations / stepSeconds),
    };
    const left = caches.reduce((sum, cache) => sum + cache.left, 0);
    samples.push({ hours: now / 3_600, left, instances, runs: active.length, rowsPerSecond });
    now += stepSeconds;
  }
  const ends = caches.map(({ drainedAt }) => drainedAt / 3_600).sort((a, b) => a - b);
  const at = (share: number) => ends[Math.ceil(share * ends.length) - 1] ?? Number.NaN;
  const dollars = {
    compute: instanceSeconds * plan.memoryGb * prices.gbSecond,
    executions: executions * prices.execution,
    storage: queueOperations * prices.queueOperation + blobOperations * prices.blobOperation,
  };
  const euros = (value: number) => value * prices.eurosPerDollar;
  return {
    scenario,
    hours: { half: at(0.5), most: at(0.9), all: at(1) },
    peakInstances: peak.instances,
    peakRuns: peak.runs,
    serverLoad: busiest(caches, scenario),
    peakQueueOperationsPerSecond: peak.queueOperations,
    euros: {
      compute: euros(dollars.compute),
      executions: euros(dollars.executions),
      storage: euros(dollars.storage),
      all: euros(dollars.compute + dollars.executions + dollars.storage),
    },
    samples,
  };
}

/** Starts what finds an instance and a place; the longest waiting first. Returns how many. */
function start(
  ready: Cache[],
  running: number,
  instances: number,
  busy: number[],
  { serverConcurrency }: Scenario,
  now: number,
): number {
  let room = instances * messagesPerInstance - running;
  let started = 0;
  for (const cache of ready.sort((a, b) => a.since - b.since)) {
    if (room <= 0) break;
    if ((busy[cache.server] ?? 0) >= serverConcurrency) continue;
    busy[cache.server] = (busy[cache.server] ?? 0) + 1;
    cache.state = 'running';
    cache.since = now;
    room -= 1;
    started += 1;
  }
  return started;
}

/** One step of every run; returns rows per second of all. */
function work(active: Cache[], busy: number[], { oneRun, wholeServer }: Scenario, now: number): number {
  let rows = 0;
  // What a run ends frees its place for the next step alone.
  const runsOf = [...busy];
  for (const cache of active) {
    const rate = Math.min(oneRun, wholeServer / (runsOf[cache.server] ?? 1));
    const deleted = Math.min(cache.left, rate * stepSeconds);
    cache.left -= deleted;
    rows += deleted;
    const took = now + stepSeconds - cache.since;
    if (cache.left > 0 && took < defaults.timeBudgetSeconds) continue;
    busy[cache.server] = (busy[cache.server] ?? 1) - 1;
    cache.state = cache.left > 0 ? 'waiting' : 'drained';
    if (cache.left > 0) cache.since = now + stepSeconds + took * defaults.continuationPause;
    else cache.drainedAt = now + stepSeconds;
  }
  return rows / stepSeconds;
}

/** Sizes with a long tail: the quantiles of a log-normal distribution of sigma 1.5, as sizes of sites and teams are. */
function cachesOf({ caches, expired, servers }: Scenario): Cache[] {
  const weights = Array.from({ length: caches }, (_, index) => Math.exp(1.5 * normalQuantile((index + 0.5) / caches)));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight, index) => ({
    server: (index * 7) % servers,
    left: (weight / all) * expired,
    state: 'waiting',
    since: 0,
    drainedAt: 0,
  }));
}

/** By bisection of the error function's series (Abramowitz and Stegun 7.1.26): four digits are enough for sizes. */
function normalQuantile(share: number): number {
  let [low, high] = [-6, 6];
  for (let turn = 0; turn < 60; turn += 1) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function normalShare(x: number): number {
  const t = 1 / (1 + 0.3275911 * (Math.abs(x) / Math.SQRT2));
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - series * Math.exp((-x * x) / 2);
  return x < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}

function busiest(caches: Cache[], { servers, expired, caches: count, wholeServer, ...rest }: Scenario): number {
  const started = cachesOf({ servers, expired, caches: count, wholeServer, ...rest });
  let most = 0;
  for (let server = 0; server < servers; server += 1) {
    const own = caches.flatMap((cache, index) => (cache.server === server ? [index] : []));
    const rows = own.reduce((sum, index) => sum + (started[index]?.left ?? 0), 0);
    const seconds = Math.max(...own.map((index) => caches[index]?.drainedAt ?? 0), 1);
    most = Math.max(most, rows / seconds / wholeServer);
  }
  return most;
}
