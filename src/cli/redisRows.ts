import type { NodeReport, NodeUp, WatchReport } from '../lib/redis/watchReport.ts';
import { ageText } from '../lib/sql/summaries.ts';
import { bytesText, countOf, percentText } from '../lib/wording.ts';
import type { Row } from './output.ts';

/** The report of a watch, as lines for people: the nodes, then what somebody should look at. */
export function redisRows(report: WatchReport): Row[] {
  const { deployment, database, nodes, sentinels = [], findings, unjudged = [] } = report;
  const rows: Row[] = [
    ['deployment', `${deployment}, database ${database}`],
    ...sentinels.map(sentinelRow),
    ...nodes.flatMap(nodeRows),
  ];
  if (findings.length === 0) rows.push(['findings', 'none']);
  for (const [missing, checks] of unjudgedByFigure(unjudged))
    rows.push(['not judged', `${checks.join(', ')}: the server does not tell ${missing}`]);
  for (const { level, check, node, what, advice } of findings) {
    const about = node && nodes.length > 1 ? `${check}, ${node}` : check;
    rows.push([level, `${about}: ${what}`], ['', advice]);
  }
  return rows;
}

function sentinelRow(sentinel: NonNullable<WatchReport['sentinels']>[number]): Row {
  if (!sentinel.up) return ['Sentinel', `${sentinel.node}: unreachable (${sentinel.step})`];
  const { node, service, primary, primaryDown, quorum } = sentinel;
  return [
    'Sentinel',
    `${node}: ${service} is ${primary}${primaryDown ? ` (down, ${primaryDown}ly)` : ''}, ${quorum === null ? 'quorum unknown' : quorum ? 'quorum' : 'no quorum'}`,
  ];
}

function nodeRows(report: NodeReport): Row[] {
  if (!report.up) return [['node', `${report.node}: unreachable (${report.step})`]];
  return [
    [
      'node',
      `${report.node}: ${report.software}, ${report.role ?? 'role unknown'}, up ${report.uptime ? ageText(report.uptime) : 'for an unknown time'}`,
    ],
    ['memory', memoryText(report)],
    ['keys', keysText(report)],
    ['since last look', sinceText(report)],
    [
      'clients',
      `${report.clients.connected ?? 'unknown'} of ${report.clients.limit ?? 'unknown'}, ${report.clients.blocked ?? 'unknown'} blocked`,
    ],
    ['persistence', `${report.persistence.kind}, ${replicasText(report.replication.replicas)}`],
    ['ping', pingText(report)],
  ];
}

/** The checks that each missing figure keeps from being judged. */
export function unjudgedByFigure(unjudged: NonNullable<WatchReport['unjudged']>): [string, string[]][] {
  const figures = Map.groupBy(unjudged, ({ missing }) => missing);
  return [...figures].map(([missing, checks]) => [missing, [...new Set(checks.map(({ check }) => check))]]);
}

const replicasText = (count: number | null) =>
  count === null ? 'an unknown number of replicas' : countOf(count, 'replica');

function memoryText({ memory }: NodeUp): string {
  const { usedBytes, maxBytes, utilization, policy, fragmentationRatio, untilFull } = memory;
  const max = maxBytes === null ? 'an unknown maximum' : maxBytes === 0 ? 'no limit' : bytesText(maxBytes);
  const share = utilization === null ? '' : ` (${percentText(utilization * 100)})`;
  const parts = [
    `${usedBytes === null ? 'unknown' : bytesText(usedBytes)} of ${max}${share}`,
    `policy ${policy ?? 'unknown'}`,
    ...(fragmentationRatio === null ? [] : [`fragmentation ${fragmentationRatio}`]),
    ...(untilFull === null ? [] : [`full in ${ageText(untilFull)}`]),
  ];
  return parts.join(', ');
}

function keysText({ databases, keySample }: NodeUp): string {
  if (!databases) return 'unknown';
  if (databases.length === 0) return 'none';
  const counts = databases.map(
    ({ database, keys, keysWithoutTtl }) =>
      `db${database}: ${keys.toLocaleString('en-US')} (${keysWithoutTtl?.toLocaleString('en-US') ?? 'an unknown number'} without expiry)`,
  );
  const groups = (keySample?.groups ?? []).map(
    ({ prefix, kind, keys }) => `${keys} ${kind}${prefix ? ` under ${prefix}` : ''}`,
  );
  return [...counts, ...(groups.length > 0 ? [`of ${keySample?.keys} sampled: ${groups.join(', ')}`] : [])].join('; ');
}

function sinceText({ sinceLastLook, hitRatio }: NodeUp): string {
  const hits = hitRatio === null ? '' : `, ${percentText(hitRatio * 100)} hits`;
  if (!sinceLastLook) return `no earlier look${hits}`;
  const { counts, duration, kind } = sinceLastLook;
  const count = (value: number | null) => value?.toLocaleString('en-US') ?? 'unknown';
  const changed = kind === 'same' ? '' : `${kind}, `;
  return `${changed}${count(counts.evicted)} evicted, ${count(counts.expired)} expired, ${count(counts.refusedWrites)} writes refused, ${count(counts.rejectedConnections)} connections rejected in ${ageText(duration)}${hits}`;
}

function pingText({ pingMilliseconds: ping }: NodeUp): string {
  if (!ping) return 'unknown';
  const late = ping.eventLoopDelay > 0 ? `; this process itself was late by up to ${ping.eventLoopDelay} ms` : '';
  return `p50 ${ping.p50} ms, p95 ${ping.p95} ms, max ${ping.max} ms of ${ping.count}${late}`;
}
