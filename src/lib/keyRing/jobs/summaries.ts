import { humanDuration } from '../../durations.ts';
import { countOf } from '../../wording.ts';
import type { PruneReport } from './prune.ts';
import type { RevokeReport } from './revoke.ts';
import type { RewrapReport } from './rewrap.ts';
import type { RingStatus } from './ringStatus.ts';
import type { RotateReport } from './rotate.ts';

/** One line about a report, for a log or a terminal. */

export function summarizeStatus({ keys, defaultKey, findings, nextActionAt, mode }: RingStatus): string {
  const serious = findings.filter(({ level }) => level !== 'info').length;
  const next = mode === 'manage' ? `, next action ${nextActionAt}` : '';
  return `${keys.length} keys, default ${defaultKey ?? 'none'}, ${serious} findings${next}`;
}

export function summarizeRotate({ outcome, keys, nextActionAt, status, rewrap, prune }: RotateReport): string {
  const list = keys
    .map(({ id, reason, activation }) => `${id ?? 'a key'} active from ${activation} (${reason})`)
    .join(', ');
  const also = [
    ...(rewrap?.keys.length ? [`${countOf(rewrap.keys.length, 'key')} re-wrapped`] : []),
    ...(prune?.keys.length ? [`${countOf(prune.keys.length, 'old key')} removed`] : []),
  ];
  if (outcome === 'published') return [`published ${list}`, ...also].join(', ');
  const none = also.length > 0 ? 'no key due' : 'nothing to do';
  const what = [outcome === 'wouldPublish' ? `would publish ${list}` : none, ...also].join(', ');
  return `${what}${status.mode === 'observe' ? ', mode observe' : ''}, next action ${nextActionAt}`;
}

export function summarizeRewrap({ outcome, keys, newest, failed, noLongerNeeded }: RewrapReport): string {
  const left = failed.length > 0 ? `, ${failed.length} could not be` : '';
  const free = noLongerNeeded.length > 0 ? `; no longer needed: ${noLongerNeeded.join(', ')}` : '';
  // None could be moved: that is not "nothing to do", and the old version or certificate is needed still.
  if (outcome === 'nothingToDo' && failed.length > 0)
    return `no key re-wrapped to ${newest}, ${failed.length} could not be${free}`;
  if (outcome === 'nothingToDo') return `nothing to do, every key that counts is protected with ${newest}${free}`;
  return `${keys.length} keys ${outcome === 'rewrapped' ? 're-wrapped' : 'would be re-wrapped'} to ${newest}${left}${free}`;
}

export function summarizeRevoke({ outcome, keys, successor, unreadableEntries }: RevokeReport): string {
  if (outcome === 'nothingToDo') return 'nothing to do, no key that is not revoked already';
  const entries = unreadableEntries
    ? `, ${unreadableEntries.estimated ? '~' : ''}${unreadableEntries.count} cached entries become unreadable`
    : '';
  const next = successor ? `, successor ${successor.id ?? 'a new key'}` : '';
  return `${keys.length} keys ${outcome === 'revoked' ? 'revoked' : 'would be revoked'}${next}${entries}`;
}

export function summarizePrune(report: PruneReport): string {
  const { outcome, keys, revocations, keptForEntries, keptForApps, sampled, copy } = report;
  const forEntries = keptForEntries.length > 0 ? `, ${keptForEntries.length} kept for cached entries` : '';
  const forApps = keptForApps.length > 0 ? `, ${keptForApps.length} kept since apps use them` : '';
  const kept = `${forEntries}${forApps}${sampled ? ', told from a sample of the entries' : ''}`;
  if (outcome === 'nothingToDo') return `nothing to do${kept}`;
  const what = `${keys.length} keys and ${revocations.length} revocations`;
  return outcome === 'pruned' ? `${what} removed${kept}, previous ring kept as ${copy}` : `would remove ${what}${kept}`;
}

export function findingLines({ findings }: RingStatus): string[] {
  return findings
    .filter(({ level }) => level !== 'info')
    .map(({ check, level, what, advice }) => `${level} ${check}: ${what} ${advice}`);
}

export function secondsText(seconds: number | null): string {
  return seconds === null ? 'unknown' : humanDuration(Math.max(0, seconds * 1000));
}
