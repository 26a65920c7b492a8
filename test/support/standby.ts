import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from './postgresConnections.ts';

/**
 * What a standby with hot_standby_feedback says to its primary, over the replication protocol (PostgreSQL manual, "Streaming
 * Replication Protocol"): it still reads what the oldest transaction of now may see. It takes no WAL.
 * @param slot a physical slot; undefined for a standby without one
 */
export async function startStandby(url: string, slot?: string): Promise<{ stop(): Promise<void> }> {
  const client = await connect({ connectionString: url, application_name: 'standby 1', replication: 'true' } as object);
  const { rows } = await client.query<{ xlogpos: string }>('IDENTIFY_SYSTEM');
  const observer = await connect({ connectionString: url });
  const now = await observer.query<{ xmin: string; epoch: string }>(
    'select x % 4294967296 as xmin, x / 4294967296 as epoch from (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as x) as s',
  );
  await observer.end();
  const ended = client
    .query(`START_REPLICATION ${slot ? `SLOT ${slot} ` : ''}PHYSICAL ${rows[0]?.xlogpos}`)
    .catch(() => undefined);
  const { connection } = client as unknown as {
    connection: NodeJS.EventEmitter & { sendCopyFromChunk(chunk: Buffer): void; stream: { destroy(): void } };
  };
  await new Promise<void>((resolve) => connection.once('replicationStart', resolve));
  const feedback = Buffer.alloc(25);
  feedback.write('h');
  feedback.writeUInt32BE(Number(now.rows[0]?.xmin), 9);
  feedback.writeUInt32BE(Number(now.rows[0]?.epoch), 13);
  connection.sendCopyFromChunk(feedback);
  return {
    stop: async () => {
      connection.stream.destroy();
      await Promise.race([ended, sleep(1_000)]);
    },
  };
}
