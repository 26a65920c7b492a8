import { humanDuration } from '../durations.ts';
import { isOff } from '../findingPolicy.ts';
import type { KeyReport, RingStatus } from '../keyRing/jobs/ringStatus.ts';
import { instantOf, parseInstant } from '../keyRing/reading/instants.ts';
import type { RuleKey } from '../keyRing/rule/defaultKey.ts';
import { firstGap } from '../keyRing/rule/rotationPlan.ts';
import { isReal, newestFirst } from '../runs/history.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { countOf } from '../wording.ts';
import type { Finding } from './finding.ts';
import { about, critical, type Judgement, warning } from './judgement.ts';
import { type JudgeContext, judgeRuns } from './judgeRuns.ts';
import { historiesOf, type KeyRingRecords, titleOf } from './subjectRecords.ts';

/** What somebody should know of a key ring: the findings of its newest status, what time has done since, and its jobs. */
export function judgeKeyRing(records: KeyRingRecords, context: JudgeContext): Finding[] {
  const status = newestLook(records)?.status;
  const gap = status && gapOf(status.keys, context.now);
  const findings = findingsOf(records, status).filter(({ check }) => !isOver(check, gap, context.now));
  const isKnown = findings.some(({ check }) => gapChecks.has(check) && !isOff(context.policy, check));
  return about(titleOf(records), [
    ...historiesOf(records).flatMap((history) => judgeRuns(history, context)),
    ...notMoved(records),
    ...findings.map((each) => ({ ...each, since: null })),
    ...(status && gap && !isKnown ? withoutDefault(status, gap, context) : []),
  ]);
}

const isDone = (run: RunRecord) => isReal(run) && run.outcome === 'succeeded';

/** A status is that of a run that succeeded: one that failed has not seen the ring, and fixes nothing that it had. */
export function newestLook({ rotateKeyRing, keyRingStatus }: KeyRingRecords): RingLook | undefined {
  return [...rotateKeyRing.runs, ...keyRingStatus.runs]
    .filter(isDone)
    .sort(newestFirst)
    .flatMap(({ startedAt, report }) =>
      report ? [{ at: Date.parse(startedAt), status: 'status' in report ? report.status : report }] : [],
    )[0];
}

interface RingLook {
  /** When its run began, in ms since 1970. */
  at: number;
  status: RingStatus;
}

/** What else a rotation is there for, and failed, only another rotation fixes: a look at the ring does not see it. */
function findingsOf({ rotateKeyRing }: KeyRingRecords, status: RingStatus | undefined): RingStatus['findings'] {
  const rotation = rotateKeyRing.runs.find(isDone)?.report;
  const isOfRotation = ({ check }: { check: string }) => check === 'rotation-failed';
  return [
    ...(status?.findings ?? []).filter((finding) => !isOfRotation(finding)),
    ...(rotation?.status.findings ?? []).filter(isOfRotation),
  ];
}

/**
 * Keys that the last re-wrap could not move to the newest version of their protector. A rotation tries
 * those that it could not move each day, so one without a re-wrap has moved them; of a re-wrap by hand it says nothing.
 */
function notMoved({ rotateKeyRing, rewrapKeyRing }: KeyRingRecords): Judgement[] {
  const rotations = rotateKeyRing.runs.filter(isDone);
  // One that moved less than it should has failed, and says in its report what is left.
  const byHand = rewrapKeyRing.runs.find((run) => isReal(run) && run.report !== undefined && !run.error);
  const tried = rotations.find(({ report }) => report?.rewrap);
  const isByHand = byHand && !(tried && tried.startedAt > byHand.startedAt);
  const last = isByHand ? byHand : rotations[0];
  const failed = (isByHand ? byHand.report : rotations[0]?.report?.rewrap)?.failed ?? [];
  if (failed.length === 0) return [];
  const keys = failed.map(({ id, code, message }) => `${id} (${code}): ${message.replace(/\.$/, '')}.`);
  return warning(
    'rotation-failed',
    `${countOf(failed.length, 'key')} could not be moved to the newest version of the protector. ${keys.join(' ')}`,
    'Do not remove or disable the older version of the Key Vault key or certificate. docs/reference/errors.md explains the code; then run `key-ring rewrap`.',
    last?.startedAt,
  );
}

/** Checks of the status that tell of a time without a default key. */
const gapChecks = new Set(['no_default_key', 'no_default_soon']);

/** A ring may have been read before its next key was active, and has a default by now; and the other way round. */
function isOver(check: string, gap: Date | undefined, now: Date): boolean {
  if (!gap) return false;
  return gap > now ? check === 'no_default_key' : check === 'no_default_soon';
}

/** A day's run may come too late to say it. An app that mints its own keys publishes a successor two days ahead. */
function withoutDefault({ mode }: RingStatus, gap: Date, { now, policy }: JudgeContext): Judgement[] {
  const aheadMs = mode === 'manage' ? policy.defaultKeyMs : Math.min(policy.defaultKeyMs, observedMs);
  if (gap.getTime() > now.getTime() + aheadMs) return [];
  return critical(
    'key-ring-without-default',
    gap <= now
      ? 'The key ring has no default key now: apps mint keys of their own, or fail to encrypt.'
      : `The key ring has no default key in ${humanDuration(gap.getTime() - now.getTime())}, and no successor is published.`,
    mode === 'manage'
      ? 'Run `key-ring rotate`; an error names what is in the way.'
      : 'The ring is only observed: the apps, or somebody, must publish a key. Else set its mode to manage, and run `key-ring rotate`.',
  );
}

const observedMs = 24 * 3_600_000;

/** From when on no key is the default, by the rule of the apps; undefined of a ring without keys. */
function gapOf(keys: readonly KeyReport[], now: Date): Date | undefined {
  const known = keys.flatMap(ruleKey);
  return known.length === 0 ? undefined : new Date(firstGap(known, instantOf(now)).at.epochMilliseconds);
}

function ruleKey({ id, state, created, activated, expires }: KeyReport): RuleKey[] {
  const [creation, activation, expiration] = [created, activated, expires].map(parseInstant);
  if (!creation || !activation || !expiration) return [];
  return [{ id, creation, activation, expiration, revoked: state === 'revoked', readable: state !== 'unreadable' }];
}
