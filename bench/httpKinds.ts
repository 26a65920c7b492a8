import type { LoadFigures, Target } from './httpLoad.ts';

/** What runs beside a purge. */
export const kinds = ['alone', 'onCall', 'unbounded'] as const;
export type Kind = (typeof kinds)[number];

export interface Round {
  kind: Kind;
  round: number;
  rowsPerSecond: number;
  seconds: number;
  /** Share of the machine's CPU time that was used meanwhile, by whatever process. */
  cpuBusy: number;
  loads: { name: string; figures: LoadFigures }[];
}

/**
 * An on-call team and availability tests, more than generously: an open status page reads itself anew every minute, so
 * one a second are sixty open pages; five tests from five places ask every five minutes, so five a second are 300 times that.
 */
const onCall = { health: 5, status: 1 };
/** As a script gone wild: each connection asks again as soon as it is answered. */
const unboundedConnections = 5;

export const labels: Record<Kind, string> = {
  alone: 'alone',
  onCall: `${onCall.health} /api/health and ${onCall.status} status page a second`,
  unbounded: `as many as are answered, over ${unboundedConnections} connections each`,
};

export function targetsOf(kind: Kind, url: string, functionKey: string): (Target & { name: string })[] {
  if (kind === 'alone') return [];
  const rates = kind === 'onCall' ? onCall : { health: undefined, status: undefined };
  const connections = kind === 'onCall' ? 1 : unboundedConnections;
  const page = { accept: 'text/html', 'x-functions-key': functionKey };
  return [
    { name: '/api/health', url: `${url}/api/health`, headers: {}, connections, rate: rates.health },
    { name: '/api/status', url: `${url}/api/status`, headers: page, connections, rate: rates.status },
  ];
}
