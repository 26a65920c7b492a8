import { bytesText, countOf, percentText } from '../wording.ts';
import type { NodeUp, WatchFinding, WatchReport } from './watchReport.ts';

/** One line about a watch, for a log or a terminal. */
export function summarizeWatch({ nodes, findings, level, dryRun }: WatchReport): string {
  const up = nodes.flatMap((node) => (node.up ? [node] : []));
  const nodesText =
    up.length === nodes.length ? countOf(nodes.length, 'node') : `${up.length} of ${countOf(nodes.length, 'node')} up`;
  const found =
    findings.length === 0 ? 'no findings' : `${countOf(findings.length, 'finding')} (${level}): ${names(findings)}`;
  return `${dryRun ? 'dry run, ' : ''}${nodesText}, ${memoryText(up)}, ${found}`;
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
  const used = nodes.reduce((sum, { memory }) => sum + (memory.usedBytes ?? 0), 0);
  return nodes.length === 0 ? 'nothing known of the memory' : `memory ${bytesText(used)} used`;
}
