import { randomBytes, randomUUID } from 'node:crypto';
import type { KeyUse } from '../keyRing/entries/cachedEntries.ts';
import type { Randomness } from '../keyRing/jobs/newKey.ts';
import { pruneKeyRing } from '../keyRing/jobs/prune.ts';
import { type RevokeRequest, revokeKeys } from '../keyRing/jobs/revoke.ts';
import { rewrapKeyRing } from '../keyRing/jobs/rewrap.ts';
import { keyState, type RingStatus, ringStatus } from '../keyRing/jobs/ringStatus.ts';
import { type RotateDeps, rotateKeyRing } from '../keyRing/jobs/rotate.ts';
import { refuseObserved } from '../keyRing/rule/policy.ts';
import { once } from '../once.ts';
import type { JobName, ReportOf } from '../runs/catalogue.ts';
import { readHistory } from '../runs/history.ts';
import {
  type JobOn,
  type Run,
  type RunContext,
  type RunDeps,
  type RunOptions,
  type RunResult,
  runJob,
  type Started,
} from '../runs/runJob.ts';
import { stopsRing } from '../settings/problems.ts';
import type { Settings } from '../settings/settings.ts';
import type { KeyRing } from '../settings/subjects.ts';
import { instruments } from '../telemetry/metrics.ts';
import { usable } from './cachesOfEngine.ts';
import { openProtector, openStore } from './keyRingAdapters.ts';

/** A ring that was emptied may be looked at every day, and again and again, before somebody sees to it. */
const seenRuns = 200;

const systemRandomness: Randomness = { uuid: () => randomUUID(), bytes: (count) => randomBytes(count) };

interface RingRequest {
  dryRun?: boolean;
}

interface RotationRequest extends RingRequest {
  /** Somebody asked for a write: a ring that is only observed is an error. To a timer it is not; it then only looks. */
  mustManage?: boolean;
  /** A ring that lost its keys may be begun anew. */
  acceptEmpty?: boolean;
}

/** The jobs on key rings, put together from the settings: the part of `Maintenance` that concerns them. */
export function keyRingMaintenance(
  settings: Settings,
  runs: RunDeps,
  keyUseOf: (caches: readonly string[]) => Promise<KeyUse[]>,
) {
  const { records, clock } = runs;

  /** @throws MaintenanceError with what is wrong in the settings of this ring */
  const ringOf = (ring: string): KeyRing => {
    const { rings, names, problems } = settings;
    const stopping = problems.filter((problem) => stopsRing(problem, ring));
    return usable(rings, ring, stopping, () => [
      'key_ring_unknown',
      `No key ring is named ${ring}.`,
      `Choose one of: ${names.rings.join(', ') || 'none is configured'}.`,
    ]);
  };

  /** How many keys the ring had when a run last saw one. */
  const hadKeysOf = async (ring: string): Promise<number | 'unknown'> => {
    const histories = await Promise.all([
      readHistory(records, 'rotateKeyRing', ring, seenRuns, clock.now()),
      readHistory(records, 'keyRingStatus', ring, seenRuns, clock.now()),
    ]);
    if (histories.some(({ unreadable }) => unreadable)) return 'unknown';
    const [rotations, looks] = histories;
    const statuses = [...rotations.runs.map(({ report }) => report?.status), ...looks.runs.map(({ report }) => report)]
      .flatMap((status) => (status && status.keys.length > 0 ? [status] : []))
      .sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
    return statuses[0]?.keys.length ?? 0;
  };

  const withRing = async <R>(
    ring: string,
    signal: AbortSignal | undefined,
    work: (deps: RotateDeps) => Promise<R>,
  ): Promise<R> => {
    const { policy, caches, ...subject } = ringOf(ring);
    const protector = await openProtector(subject.protector, () => clock.now());
    const store = await openStore(subject.store, clock);
    const keyUse = () => keyUseOf(caches);
    // Asked by the status and by a rotation: a store that does not answer is waited for once.
    const hadKeys = once(() => hadKeysOf(ring));
    try {
      return await work({ store, protector, policy, clock, keyUse, hadKeys, random: systemRandomness, signal });
    } finally {
      await store.close();
    }
  };

  /** One run of one job on one ring: opens its store and protector, closes them again, and keeps the record. */
  const runOn = <J extends JobName>(
    job: J,
    ring: string,
    started: Started,
    { signal, ...place }: RunOptions,
    work: (deps: RotateDeps, soFar: RunContext<J>['soFar']) => Promise<ReportOf<J>>,
    rest: Pick<Run<J>, 'dryRun' | 'measure'>,
  ): Promise<RunResult<J>> => {
    const onRing = ({ soFar }: RunContext<J>) => withRing(ring, signal, (deps) => work(deps, soFar));
    return runJob<J>(runs, { job, subject: ring, started, place, work: onRing, ...rest });
  };

  const status: JobOn<'keyRingStatus'> = (ring, started, _request, options = {}) => {
    const measure = (report: RingStatus) => measureStatus(ring, report);
    return runOn('keyRingStatus', ring, started, options, ringStatus, { dryRun: false, measure });
  };

  /** One look for a diagnosis: no run is recorded. */
  const look = (ring: string, signal: AbortSignal): Promise<RingStatus> => withRing(ring, signal, ringStatus);

  const rotate: JobOn<'rotateKeyRing', RotationRequest> = (ring, started, request = {}, options = {}) => {
    const { dryRun = false, mustManage = false, acceptEmpty = false } = request;
    const work = async (deps: RotateDeps, soFar: RunContext<'rotateKeyRing'>['soFar']) => {
      if (mustManage && !dryRun) refuseObserved(deps.policy);
      return rotateKeyRing({ ...deps, acceptEmpty }, { dryRun }, soFar);
    };
    const measure = (report: ReportOf<'rotateKeyRing'>) => {
      measureStatus(ring, report.status);
      if (report.outcome !== 'published') return;
      for (const { reason } of report.keys) instruments.keyRingRotations.add(1, { ring, reason });
    };
    return runOn('rotateKeyRing', ring, started, options, work, { dryRun, measure });
  };

  const rewrap: JobOn<'rewrapKeyRing', RingRequest> = (ring, started, { dryRun = false } = {}, options = {}) =>
    runOn('rewrapKeyRing', ring, started, options, (deps, soFar) => rewrapKeyRing(deps, { dryRun }, soFar), { dryRun });

  const revoke = (
    ring: string,
    started: Started,
    request: RevokeRequest,
    options: RunOptions = {},
  ): Promise<RunResult<'revokeKeys'>> => {
    const measure = ({ outcome, successor }: ReportOf<'revokeKeys'>) => {
      if (outcome === 'revoked' && successor) instruments.keyRingRotations.add(1, { ring, reason: 'revoked' });
    };
    const work = (deps: RotateDeps, soFar: RunContext<'revokeKeys'>['soFar']) => revokeKeys(deps, ring, request, soFar);
    return runOn('revokeKeys', ring, started, options, work, { dryRun: request.confirm === undefined, measure });
  };

  const prune: JobOn<'pruneKeyRing', RingRequest> = (ring, started, { dryRun = false } = {}, options = {}) =>
    runOn('pruneKeyRing', ring, started, options, (deps, soFar) => pruneKeyRing(deps, { dryRun }, soFar), { dryRun });

  return { status, look, rotate, rewrap, revoke, prune };
}

export type KeyRingMaintenance = ReturnType<typeof keyRingMaintenance>;

/** Exports what a status says of the keys. */
function measureStatus(ring: string, { keys, ...status }: RingStatus): void {
  for (const state of keyState.options)
    instruments.keyRingKeys.record(keys.filter((key) => key.state === state).length, { ring, state });
  instruments.defaultKeyTimeToExpiry.record(status.defaultTimeToExpiry ?? 0, { ring });
  if (status.newestKeyAge !== null) instruments.newestKeyAge.record(status.newestKeyAge, { ring });
  if (status.protectorTimeToExpiry !== null)
    instruments.protectorTimeToExpiry.record(status.protectorTimeToExpiry, { ring });
}
