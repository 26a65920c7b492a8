import { z } from 'zod';
import { MaintenanceError } from '../../errors.ts';
import { headerOf } from '../../payloadHeader.ts';
import { entriesNaming, type KeyUse } from '../entries/cachedEntries.ts';
import { parseGuid } from '../reading/dotnetValues.ts';
import { type Instant, isBefore, plusMs } from '../reading/instants.ts';
import { hits, isRevoked, type KeyRing, type Revocation } from '../reading/keyRing.ts';
import { stamp } from '../reading/ringDocument.ts';
import { revocationXml } from '../reading/ringXml.ts';
import { isXmlText } from '../reading/xml.ts';
import { defaultKey, refreshMs } from '../rule/defaultKey.ts';
import { refuseObserved } from '../rule/policy.ts';
import { type ViewedKey, viewKeys } from '../rule/ringView.ts';
import { firstGap, type Gap } from '../rule/rotationPlan.ts';
import { type Changed, changeRing, type RingReading, readRing, ringTime, type SoFar } from './changeRing.ts';
import { creationOfNew, type MadeKey, makeKey } from './newKey.ts';
import type { RotateDeps } from './rotate.ts';

/** What is to be revoked: the key of this id without a date, or `*` and all keys created before it. */
type Target = Pick<Revocation, 'key' | 'date'>;

export interface RevokeRequest {
  /** One key, or all that were created before an instant; without one, before now. */
  target: { key: string } | { createdBefore: Instant | undefined };
  /** Stands in the ring, for whoever reads it later. */
  reason: string;
  /** The ring's name. Without it the report is a plan, and nothing is written. */
  confirm?: string | undefined;
}

const consumerNotice = z
  .object({ consumer: z.string(), noticesAt: z.iso.datetime(), until: z.string() })
  .meta({ description: 'When a kind of consumer stops using the revoked keys, and what it does until then.' });
type ConsumerNotice = z.infer<typeof consumerNotice>;

export const revokeReport = z
  .object({
    outcome: z.enum(['planned', 'revoked', 'nothingToDo']),
    dryRun: z.boolean(),
    keys: z.array(z.string()).meta({ description: 'Ids of the keys that become revoked.' }),
    untouched: z.array(z.string()).meta({ description: 'Keys of the ring that stay as they are.' }),
    unreadableEntries: z.object({ count: z.int(), estimated: z.boolean() }).nullable().meta({
      description:
        'Cached entries that become unreadable: their users sign in again. Null where no cache of the ring can be looked into.',
    }),
    warnings: z
      .array(z.string())
      .meta({ description: 'Why the caches could not be looked into: not a reason to revoke nothing.' }),
    entryHeaders: z.array(z.string()).meta({
      description: 'The bytes (hexadecimal) with which those entries begin: what finds them, for whoever removes them.',
    }),
    successor: z
      .object({ id: z.string().nullable(), activation: z.iso.datetime(), expiration: z.iso.datetime() })
      .nullable()
      .meta({
        description:
          'The key that consumers take instead; its id is null in a plan. Null where the default is not touched.',
      }),
    consumers: z.array(consumerNotice),
    copy: z.string().nullable().default(null).meta({
      description: 'Where the ring as it was before is kept; null where nothing was written, or by an earlier version.',
    }),
  })
  .meta({ id: 'RevokeReport' });
export type RevokeReport = z.infer<typeof revokeReport>;

const earlierReport = z.looseObject({ outcome: z.string() });

/** A report of an earlier version in the present shape: one that changed nothing may as well have been a plan. */
export function earlier(report: unknown): unknown {
  const { data } = earlierReport.safeParse(report);
  return data && { ...data, dryRun: data.outcome !== 'revoked' };
}

/**
 * Revokes keys, and publishes a key that takes their place at once, in one write where the store has such. The new key is
 * active from its creation, and created not before the revocation: a key published beforehand is not active yet.
 * @throws MaintenanceError `confirmation_wrong`, `key_unknown`, `revocation_in_future`, `reason_unwritable`, `revocation_ahead`
 */
export async function revokeKeys(
  deps: RotateDeps,
  ringName: string,
  request: RevokeRequest,
  soFar?: SoFar<RevokeReport>,
): Promise<RevokeReport> {
  const use = await usedBy(deps);
  const reading = await readRing(deps);
  const now = ringTime(deps.clock, reading.stored);
  const targets = targetsOf(request.target, reading.ring, now);
  checkRequest(request, targets, reading.ring, ringName, now);
  const keys = await viewKeys(reading.ring, deps.protector);
  const planned = plan(keys, targets, now);
  const dryRun = request.confirm === undefined;
  const told = (
    outcome: RevokeReport['outcome'],
    plan: Plan,
    successorId: string | null,
    copy: string | null = null,
  ): RevokeReport => ({
    outcome,
    dryRun,
    copy,
    ...report(plan, use, deps, now, successorId),
  });
  if (planned.hit.length === 0) return told('nothingToDo', planned, null);
  // What would stop the run stops its plan.
  refuseObserved(deps.policy);
  if (dryRun) {
    if (planned.gap) creationOfNew(reading.ring, keys, now);
    return told('planned', planned, null);
  }

  const revoked = ({ data, copy }: Changed<Revoked>) => told('revoked', data.planned, data.successor, copy);
  const done = await write(deps, request, now, (changed) => soFar?.(revoked(changed), changed.reading));
  // Revoked by somebody else meanwhile: then there is nothing left to do.
  return done ? revoked(done) : told('nothingToDo', { ...planned, hit: [], gap: undefined }, null);
}

/**
 * All keys that there are now are those created before this moment, and each one dated later, by an app whose clock is ahead,
 * by its id: a revocation dated ahead would hit their successor too.
 */
function targetsOf(target: RevokeRequest['target'], ring: KeyRing, now: Instant): Target[] {
  // The log of .NET has it in braces.
  if ('key' in target) return [{ key: parseGuid(target.key.trim()) ?? target.key, date: undefined }];
  if (target.createdBefore) return [{ key: '*', date: target.createdBefore }];
  const all = { key: '*', date: now };
  const later = ring.keys.filter((key) => isBefore(now, key.creation) && !isRevoked(ring, key));
  return [all, ...later.map(({ id }) => ({ key: id, date: undefined }))];
}

function checkRequest(
  { confirm, reason }: RevokeRequest,
  targets: readonly Target[],
  ring: KeyRing,
  ringName: string,
  now: Instant,
): void {
  if (!isXmlText(reason)) {
    throw new MaintenanceError(
      'reason_unwritable',
      'The reason holds a character that XML 1.0 forbids, such as a control character: no app could read the ring with it.',
      'Type the reason anew, without what was pasted. Nothing was written.',
    );
  }
  if (confirm !== undefined && confirm !== ringName) {
    throw new MaintenanceError(
      'confirmation_wrong',
      `The confirmation is not the name of the ring.`,
      `To revoke, confirm with: ${ringName}. Nothing was written.`,
    );
  }
  if (targets.some(({ date }) => date && isBefore(now, date))) {
    throw new MaintenanceError(
      'revocation_in_future',
      'Keys can be revoked up to this moment only: a later date would hit the key that takes their place.',
      `Give an instant up to ${now}.`,
    );
  }
  const unknown = targets.find(({ key, date }) => !date && !ring.keys.some(({ id }) => id === key));
  if (!unknown) return;
  throw new MaintenanceError(
    'key_unknown',
    `The ring has no key ${unknown.key}.`,
    'See its keys with: key-ring status.',
  );
}

interface Plan {
  hit: ViewedKey[];
  untouched: ViewedKey[];
  /** What the successor needs to be the default; undefined where the default stays. */
  gap: Gap | undefined;
}

function plan(keys: readonly ViewedKey[], targets: readonly Target[], now: Instant): Plan {
  const isTarget = (key: ViewedKey) => targets.some((target) => hits(target, key));
  const hit = keys.filter((key) => !key.revoked && isTarget(key));
  const after = keys.map((key) => (isTarget(key) ? { ...key, revoked: true } : key));
  return {
    hit,
    untouched: keys.filter((key) => !key.revoked && !isTarget(key)),
    gap: defaultKey(after, now) ? undefined : firstGap(after, now),
  };
}

interface Revoked {
  planned: Plan;
  successor: string | null;
}

async function write(
  deps: RotateDeps,
  { target, reason }: RevokeRequest,
  now: Instant,
  onWritten: (changed: Changed<Revoked>) => void,
) {
  let successor: MadeKey | undefined;
  const decide = async ({ ring }: RingReading) => {
    const targets = targetsOf(target, ring, now);
    const keys = await viewKeys(ring, deps.protector);
    const planned = plan(keys, targets, now);
    if (planned.hit.length === 0) return undefined;
    if (planned.gap) {
      const creation = creationOfNew(ring, keys, now);
      const times = { ...planned.gap, creation, expiration: plusMs(now, deps.policy.lifetimeMs) };
      successor ??= await makeKey(ring, deps.protector, deps.random, times);
    }
    const published = planned.gap ? successor : undefined;
    const revocations = targets.map((one) => revocationOf(one, reason, now));
    // In a folder, which has no write of several files, the key that takes over is there first.
    const add = published ? [published, ...revocations] : revocations;
    const isDone = (after: KeyRing) =>
      planned.hit.every((gone) => after.revocations.some((one) => hits(one, gone))) &&
      (!published || after.keys.some((key) => key.id === published.id && !isRevoked(after, key)));
    return { change: { add, replace: [], remove: [] }, isDone, data: { planned, successor: published?.id ?? null } };
  };
  return changeRing<Revoked>(deps, decide, onWritten);
}

/** Named as .NET's XmlKeyManager names its files. */
function revocationOf({ key, date }: Target, reason: string, now: Instant) {
  const name = `revocation-${key === '*' ? '' : `${key}-`}${stamp(new Date(now.epochMilliseconds))}`;
  return { name, xml: revocationXml(date ?? now, key, reason) };
}

function report(
  { hit, untouched, gap }: Plan,
  { uses, warnings }: Use,
  deps: RotateDeps,
  now: Instant,
  successorId: string | null,
): Omit<RevokeReport, 'outcome' | 'dryRun' | 'copy'> {
  const ids = hit.map(({ id }) => id);
  return {
    keys: ids,
    untouched: untouched.map(({ id }) => id),
    unreadableEntries:
      uses.length === 0
        ? null
        : { count: entriesNaming(uses, new Set(ids)), estimated: uses.some(({ complete }) => !complete) },
    warnings,
    entryHeaders: ids.map(headerOf),
    successor:
      gap === undefined
        ? null
        : {
            id: successorId,
            activation: gap.activation.toString(),
            expiration: plusMs(now, deps.policy.lifetimeMs).toString(),
          },
    consumers: ids.length === 0 ? [] : notices(now),
  };
}

interface Use {
  uses: KeyUse[];
  warnings: string[];
}

/** In an emergency a cache that does not answer must not stand in the way. */
async function usedBy({ keyUse }: RotateDeps): Promise<Use> {
  try {
    return { uses: await keyUse(), warnings: [] };
  } catch (error) {
    if (!(error instanceof MaintenanceError)) throw error;
    return { uses: [], warnings: [`The cached entries could not be counted (${error.code}): ${error.message}`] };
  }
}

/** KeyRingProvider: an instance reads the ring when it starts, and again after 19.2 to 24 hours. */
function notices(now: Instant): ConsumerNotice[] {
  const latest = plusMs(now, refreshMs).toString();
  const until = 'protects and reads with the revoked keys until it refreshes, within 24 h; it then takes the new key';
  return [
    {
      consumer: 'an app that is restarted',
      noticesAt: now.toString(),
      until: 'restart every instance now, all of them: those that are not go on with the revoked keys',
    },
    { consumer: 'a running app with automatic key generation', noticesAt: latest, until: `${until} and mints none` },
    { consumer: 'a running app without automatic key generation', noticesAt: latest, until },
  ];
}
