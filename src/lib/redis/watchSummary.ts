import { bytesText, countOf, percentText } from '../wording.ts';
import type { NodeUp, WatchFinding, WatchReport } from './watchReport.ts';

/** One line about a watch, for a log or a terminal. */
export function summarizeWatch({ nodes, sentinels = [], findings, level, dryRun }: WatchReport): string {
  const up = nodes.flatMap((node) => (node.up ? [node] : []));
  const nodesText =
    up.length === nodes.length ? countOf(nodes.length, 'node') : `${up.length} of ${countOf(nodes.length, 'node')} up`;
  const found =
    findings.length === 0 ? 'no findings' : `${countOf(findings.length, 'finding')} (${level}): ${names(findings)}`;
  const watchers = sentinels.length === 0 ? '' : `, ${countOf(sentinels.length, 'Sentinel')}`;
  return `${dryRun ? 'dry run, ' : ''}${nodesText}${watchers}, ${memoryText(up)}, ${found}`;
}

/** A line for each finding that somebody should look at. */
export function watchWarnings({ findings }: WatchReport): string[] {
  return findings
    .filter(({ level }) => level !== 'info')
    .map(({ level, check, node, what, advice }) => `${level} ${check}${node ? ` (${node})` : ''}: ${what} ${advice}`);
}

function names(findings: WatchFinding[]): string {
  return [...new Set(findings.map(({ check }) => check))].join(', ');
}

function memoryText(nodes: NodeUp[]): string {
  const shares = nodes.flatMap(({ memory }) => memory.utilization ?? []);
  if (shares.length > 0) return `memory ${percentText(Math.max(...shares) * 100)} used`;
  const used = nodes.flatMap(({ memory }) => memory.usedBytes ?? []);
  if (used.length === 0) return 'nothing known of the memory';
  return `memory ${bytesText(used.reduce((sum, bytes) => sum + bytes, 0))} used`;
}
