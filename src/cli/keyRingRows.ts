import type { PruneReport } from '../lib/keyRing/jobs/prune.ts';
import type { RevokeReport } from '../lib/keyRing/jobs/revoke.ts';
import type { RewrapReport } from '../lib/keyRing/jobs/rewrap.ts';
import type { KeyReport, RingStatus } from '../lib/keyRing/jobs/ringStatus.ts';
import type { RotateReport } from '../lib/keyRing/jobs/rotate.ts';
import {
  secondsText,
  summarizePrune,
  summarizeRevoke,
  summarizeRewrap,
  summarizeRotate,
} from '../lib/keyRing/jobs/summaries.ts';
import { ageText } from '../lib/sql/summaries.ts';
import type { Row } from './output.ts';

/** The reports of the key ring jobs, as lines for people. */

export function statusRows(status: RingStatus): Row[] {
  return [
    ['ring', status.store],
    ['protector', status.protector],
    ['mode', status.mode === 'manage' ? 'manage' : 'observe: nothing is written'],
    ...status.keys.map((key): Row => [key.state, keyText(key)]),
    ['revocations', String(status.revocations)],
    ['default ends in', status.defaultKey ? secondsText(status.defaultTimeToExpiry) : 'there is no default'],
    ['apps would mint', status.appsWouldMint ? 'yes, at their next refresh' : 'no'],
    ['next action', status.nextActionAt],
    ...status.findings.flatMap(({ level, check, what, advice }): Row[] => [
      [level, `${check}: ${what}`],
      ['', advice],
    ]),
  ];
}

function keyText({ id, state, activated, expires, revoked, protection, protectorVersion, madeBy }: KeyReport): string {
  const maker = madeBy === 'app' ? ', made by an app' : '';
  const until = state === 'revoked' ? `, revoked ${revoked ?? ''}`.trimEnd() : ` to ${expires}`;
  return `${id} from ${activated}${until}, ${protection}${protectorVersion ? ` ${protectorVersion}` : ''}${maker}`;
}

export function rotateRows(report: RotateReport): Row[] {
  return [
    ['rotation', summarizeRotate(report)],
    ...(report.rewrap ? [['re-wrapped', summarizeRewrap(report.rewrap)] as Row] : []),
    ...(report.prune ? [['pruned', summarizePrune(report.prune)] as Row] : []),
    ...statusRows(report.status),
  ];
}

export function rewrapRows(report: RewrapReport): Row[] {
  return [
    ['re-wrap', summarizeRewrap(report)],
    ...report.keys.map((id): Row => ['key', id]),
    ...report.failed.map(({ id, message }): Row => ['not moved', `${id}: ${message}`]),
    ['still needed', report.stillNeeded.join(', ') || 'none'],
    ['no longer needed', report.noLongerNeeded.join(', ') || 'none'],
  ];
}

export function revokeRows(report: RevokeReport, ring: string): Row[] {
  return [
    ['revocation', summarizeRevoke(report)],
    ...report.keys.map((id): Row => ['revoked', id]),
    ...report.untouched.map((id): Row => ['untouched', id]),
    ['entries lost', entriesText(report)],
    ...report.entryHeaders.map((header): Row => ['they begin with', `0x${header}`]),
    ...report.consumers.map(({ consumer, noticesAt, until }): Row => [consumer, `by ${noticesAt}: ${until}`]),
    ...(report.outcome === 'planned' ? [['to do it', `repeat with --confirm ${ring}`] as Row] : []),
  ];
}

function entriesText({ unreadableEntries, warnings }: RevokeReport): string {
  if (unreadableEntries) return `${unreadableEntries.estimated ? '~' : ''}${unreadableEntries.count}`;
  return `unknown: ${warnings.join(' ') || 'the ring names no cache'}`;
}

export function pruneRows(report: PruneReport): Row[] {
  return [
    ['prune', summarizePrune(report)],
    ['expired for', `more than ${ageText(report.expiredFor)}`],
    ...report.keys.map((id): Row => ['key', id]),
    ...report.revocations.map(({ key, date }): Row => ['revocation', `of ${key}${date ? `, ${date}` : ''}`]),
    ...report.keptForEntries.map(
      ({ id, entries }): Row => ['kept', `${id}: ${entries} cached entries name it, or may`],
    ),
    ...report.keptForApps.map((id): Row => ['kept', `${id}: apps protect with it, or may until the next run`]),
    ...(report.sampled ? [['entries', 'told from a sample: not every one could be looked at'] as Row] : []),
  ];
}
