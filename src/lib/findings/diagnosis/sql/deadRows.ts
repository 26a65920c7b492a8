import { type Check, critical, type Evidence, pass, unknown, warning } from '../../../checks/check.ts';
import { humanDuration } from '../../../durations.ts';
import { withoutSecrets } from '../../../secret.ts';
import type { VacuumHolder } from '../../../sql/inspection.ts';
import { countOf } from '../../../wording.ts';
import type { SqlSubject } from '../subjects/sqlSubject.ts';

/** Fewer dead rows are the everyday; beyond this share autovacuum itself begins (autovacuum_vacuum_scale_factor). */
const many = { rows: 1_000, share: 0.2 };

/** Deleted rows that stay in the table, since nothing removes them: on PostgreSQL a purge alone makes no room. */
export const deadRowsCheck: Check<SqlSubject> = {
  id: 'dead-rows',
  symptom: 'growth',
  timeLimitMs: 20_000,
  applies: ({ engine }) => engine === 'postgres',
  run: async (subject) => {
    const upkeep = await (await subject.table()).inspection.upkeep();
    if (!upkeep) return unknown('statistics_unreadable', 'The server tells nothing of dead rows.', 'Look at VACUUM.');
    const { deadRows, liveRows, autovacuum, vacuumedAt, holders } = upkeep;
    const { now } = await subject.entries();
    const evidence: Evidence[] = [
      { what: 'dead rows', value: deadRows },
      { what: 'live rows', value: liveRows },
      { what: 'autovacuum', value: autovacuum },
      { what: 'last vacuum', value: vacuumedAt?.toISOString() ?? 'never, or before the statistics began' },
    ];
    const bloated = deadRows >= many.rows && deadRows > many.share * liveRows;
    const rows = `${countOf(deadRows, 'dead row')} beside ${liveRows.toLocaleString('en-US')} live ones`;
    const [holder] = holders;
    const held =
      holder && bloated ? ` ${holderText(holder, now)} may still see them: until it ends no VACUUM removes them.` : '';
    if (autovacuum !== 'on') {
      const trouble = {
        cause: 'autovacuum_off',
        what: `Autovacuum is ${autovacuum}: nothing removes what a purge deletes, and the table only grows (${rows}).${held}`,
        evidence,
        advice: `${
          autovacuum === 'off for the table'
            ? 'ALTER TABLE … RESET (autovacuum_enabled)'
            : 'Switch autovacuum and track_counts on (ALTER SYSTEM, or a parameter of the service)'
        }, then VACUUM (ANALYZE) the table once.${held && holder ? ` ${remedies[holder.kind]}` : ''}`,
      };
      return bloated ? critical(trouble) : warning(trouble);
    }
    if (!bloated || !holder) return pass(`Dead rows are removed (${rows}).`, evidence);
    return warning({
      cause: 'vacuum_held_up',
      what: `${rows}.${held}`,
      evidence: [...evidence, ...holders.map((each) => ({ what: each.kind, value: holderText(each, now) }))],
      advice: remedies[holder.kind],
    });
  },
};

function holderText({ kind, name, user, application, state, since }: VacuumHolder, now: Date): string {
  const who = [
    ...(user === null ? [] : [`of ${user}`]),
    ...(application === null ? [] : [`by ${application}`]),
    ...(state === null ? [] : [state]),
    ...(since === null ? [] : [`for ${humanDuration(Math.max(0, now.getTime() - since.getTime()))}`]),
  ];
  const named = kind === 'transaction' ? `The transaction of process ${name}` : `The ${kind} ${name}`;
  return withoutSecrets(who.length === 0 ? named : `${named} (${who.join(', ')})`);
}

export const remedies: Record<VacuumHolder['kind'], string> = {
  transaction:
    'Ask its owner to end it, or `SELECT pg_terminate_backend(PID)`; idle_in_transaction_session_timeout and transaction_timeout keep such from lasting. Autovacuum does the rest.',
  'prepared transaction': 'COMMIT PREPARED or ROLLBACK PREPARED it: it survives sessions and restarts.',
  standby: 'Look for a long query on that standby: by hot_standby_feedback it holds rows for as long as it reads them.',
  'replication slot':
    'Bring its consumer back, or drop the slot where that is gone for good (`SELECT pg_drop_replication_slot(…)`); hot_standby_feedback of a standby holds rows for as long as the standby reads them.',
};
