import { isReal } from '../runs/history.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { countOf } from '../wording.ts';
import type { RedisCacheRecords, SubjectRecords, WebAppRecords } from './subjectRecords.ts';

/** Something that may make users of a web app sign in again. */
export interface AppEvent {
  /** In ms since 1970. */
  at: number;
  what: string;
  advice: string;
}

/** What happened to the cache of an app and to its key rings; what costs most sign-ins first, and of each the newest. */
export function eventsOf(app: Pick<WebAppRecords, 'name' | 'rings'>, subjects: readonly SubjectRecords[]): AppEvent[] {
  const of = subjects.filter(({ kind, name }) => (kind === 'keyRing' ? app.rings.includes(name) : name === app.name));
  const sql = of.flatMap((each) => (each.kind === 'sqlCache' ? each : []));
  const redis = of.flatMap((each) => (each.kind === 'redisCache' ? each : []));
  const rings = of.flatMap((each) => (each.kind === 'keyRing' ? each : []));
  return [
    ...[...sql, ...redis].flatMap(({ clear }) => clear.runs.filter(isDone).flatMap(clearing)),
    ...rings.flatMap(({ revokeKeys }) => revokeKeys.runs.filter(isDone).flatMap(revocation)),
    ...redis.flatMap(evictions),
    ...rings.flatMap(({ rotateKeyRing }) => rotateKeyRing.runs.filter(isDone).flatMap(rotation)),
    ...sql.flatMap(({ purge }) => purge.runs.filter(isDone).flatMap(deletion)),
  ];
}

const isDone = (run: RunRecord) => isReal(run) && run.report !== undefined;
const event = (startedAt: string, what: string, advice: string): AppEvent[] => [
  { at: Date.parse(startedAt), what, advice },
];

const revocation = ({ runId, startedAt }: RunRecord<'revokeKeys'>) =>
  event(
    startedAt,
    `the revocation ${runId}`,
    'A revocation signs out whoever has an entry of the key: it was meant to.',
  );

const rotation = ({ runId, startedAt, report }: RunRecord<'rotateKeyRing'>) =>
  report?.outcome !== 'published'
    ? []
    : event(
        startedAt,
        `the rotation ${runId}`,
        'A rotation signs nobody out where all instances read one ring. See whether each does: `token-cache diagnose --app PATH` (app-key-persistence, app-application-name).',
      );

function clearing({ runId, startedAt, report }: RunRecord<'clear'>): AppEvent[] {
  if (!report || !('deleted' in report) || report.deleted === 0) return [];
  return event(
    startedAt,
    `the clear ${runId} (${countOf(report.deleted, 'entry', 'entries')} deleted)`,
    'A clear signs everybody out: it was meant to. For entries that nobody can read, `clear --unreadable` is enough.',
  );
}

function evictions({ redis }: RedisCacheRecords): AppEvent[] {
  return redis.runs.filter(isDone).flatMap((run) => {
    const changes = (run.report?.nodes ?? []).flatMap((node) =>
      node.up && node.sinceLastLook ? node.sinceLastLook : [],
    );
    const evicted = changes.reduce((sum, { counts }) => sum + (counts.evicted ?? 0), 0);
    const since = changes.map(({ at }) => Date.parse(at));
    if (evicted === 0 || since.length === 0) return [];
    return [
      {
        at: Math.min(...since),
        what: `the eviction of ${countOf(evicted, 'entry', 'entries')} that the look ${run.runId} saw`,
        advice:
          'Give the cache more memory, or its entries an expiry: `token-cache diagnose --cache NAME` (redis-evictions, redis-keys-without-ttl).',
      },
    ];
  });
}

/** A purge deletes what has expired alone: where users sign in after it, clocks or expirations are wrong. */
function deletion({ runId, startedAt, report }: RunRecord<'purge'>): AppEvent[] {
  if (!report || report.dryRun || report.deleted === 0) return [];
  return event(
    startedAt,
    `the purge ${runId} (${countOf(report.deleted, 'entry', 'entries')} deleted)`,
    "A purge deletes only what has expired by the database's clock. See whether the app's expirations are shorter than its sessions: `token-cache diagnose --app PATH` (app-expiry) and `--cache NAME` (entries-sliding-short).",
  );
}
