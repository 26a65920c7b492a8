import { humanDuration } from '../durations.ts';
import type { KeyReport, RingStatus } from '../keyRing/ringStatus.ts';
import { isReal } from '../runs/history.ts';
import type { JudgedFinding } from './checkNames.ts';
import type { Finding } from './finding.ts';
import { type JudgeContext, judgeRuns } from './judgeRuns.ts';
import { historiesOf, type KeyRingRecords } from './subjectRecords.ts';

/** What somebody should know of a key ring: the findings of its newest status, what time has done since, and its jobs. */
export function judgeKeyRing(records: KeyRingRecords, context: JudgeContext): Finding[] {
  const subject = `key ring ${records.name}`;
  const status = newestStatus(records);
  const found = (status?.findings ?? []).map(({ check, level, what, advice }) => ({
    check,
    level,
    subject,
    what,
    advice,
    since: null,
  }));
  return [
    ...historiesOf(records).flatMap((history) => judgeRuns(history, subject, context)),
    ...found,
    ...(status && !found.some(({ check }) => check === 'no_default_key')
      ? withoutDefault(status, subject, context)
      : []),
  ];
}

/** A status is that of a run that succeeded: one that failed has not seen the ring, and fixes nothing that it had. */
export function newestStatus({ rotateKeyRing, keyRingStatus }: KeyRingRecords): RingStatus | undefined {
  return [
    ...rotateKeyRing.runs.flatMap((run) =>
      run.outcome === 'succeeded' && run.report ? [{ at: run.startedAt, status: run.report.status }] : [],
    ),
    ...keyRingStatus.runs.flatMap((run) =>
      isReal(run) && run.report ? [{ at: run.startedAt, status: run.report }] : [],
    ),
  ].sort((a, b) => b.at.localeCompare(a.at))[0]?.status;
}

/** A day's run may come too late to say it. An app that mints its own keys publishes a successor two days ahead. */
function withoutDefault({ keys, mode }: RingStatus, subject: string, { now, policy }: JudgeContext): JudgedFinding[] {
  const aheadMs = mode === 'manage' ? policy.defaultKeyMs : Math.min(policy.defaultKeyMs, observedMs);
  const gap = firstGap(keys, now.getTime());
  if (gap === undefined || gap > now.getTime() + aheadMs) return [];
  const isNow = gap <= now.getTime();
  return [
    {
      check: 'key-ring-without-default',
      level: 'critical',
      subject,
      what: isNow
        ? 'The key ring has no default key now: apps mint keys of their own, or fail to encrypt.'
        : `The key ring has no default key in ${humanDuration(gap - now.getTime())}, and no successor is published.`,
      advice:
        mode === 'manage'
          ? 'Run `key-ring rotate`; an error names what is in the way.'
          : 'The ring is only observed: the apps, or somebody, must publish a key. Else set its mode to manage, and run `key-ring rotate`.',
      since: isNow ? new Date(gap).toISOString() : null,
    },
  ];
}

const observedMs = 24 * 3_600_000;

/** The first instant from `now` on at which no key is in use; undefined where there is none to tell of, as of a ring without keys. */
function firstGap(keys: readonly KeyReport[], now: number): number | undefined {
  if (keys.length === 0) return undefined;
  const spans = keys
    .filter(({ state }) => state !== 'revoked' && state !== 'unreadable')
    .map(({ activated, expires }) => ({ from: Date.parse(activated), to: Date.parse(expires) }));
  let at = now;
  for (;;) {
    const covering = spans.filter(({ from, to }) => from <= at && to > at).map(({ to }) => to);
    if (covering.length === 0) return at;
    at = Math.max(...covering);
  }
}
