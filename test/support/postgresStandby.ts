import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type LocalPostgres, startPostgres } from '../../dev/embeddedPostgres.ts';
import { freePort } from '../../dev/freePort.ts';
import { connect } from './postgresConnections.ts';

/** A primary and a standby that streams from it, which takes its place when that is gone. */
export interface ReplicatedPostgres {
  primary: Pick<LocalPostgres, 'port' | 'url'>;
  standby: Pick<LocalPostgres, 'port' | 'url'>;
  /** Waits until the standby has what the primary has now. */
  caughtUp(): Promise<void>;
  stopPrimary(): Promise<void>;
  promote(): Promise<void>;
  stop(): Promise<void>;
}

export async function startReplicated(): Promise<ReplicatedPostgres> {
  const primary = await startPostgres();
  const url = (port: number) => primary.url('postgres').replace(`:${primary.port}/`, `:${port}/`);
  const ask = async (server: string, text: string) => {
    const client = await connect({ connectionString: server });
    try {
      return (await client.query<Record<string, string>>(text)).rows[0];
    } finally {
      await client.end();
    }
  };
  const port = await freePort();
  const about =
    "select current_setting('data_directory') as data, (select setting from pg_config where name = 'BINDIR') as programs";
  const { data = '', programs = '' } = (await ask(url(primary.port), about)) ?? {};
  // Beside the primary's folder, which goes with it.
  const copy = `${dirname(data)}-standby`;
  await copyWhileRunning(url(primary.port), data, copy);
  const { uid, gid } = statSync(data);
  const flags = ['-D', copy, '-p', String(port), '-h', '127.0.0.1', '-k', ''];
  const from = `host=127.0.0.1 port=${primary.port} user=postgres password=local`;
  const server = spawn(
    join(programs, 'postgres'),
    [...flags, '-c', 'max_connections=200', '-c', `primary_conninfo=${from}`],
    { uid, gid, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const log: string[] = [];
  server.stderr.on('data', (text) => log.push(String(text)));
  const isReady = () =>
    ask(url(port), 'select pg_is_in_recovery()').then(
      () => true,
      () => false,
    );
  while (!(await isReady()))
    if (server.exitCode !== null) throw new Error(`the standby did not start: ${log.slice(-5).join('')}`);
  let isUp = true;
  const stopPrimary = async () => {
    if (isUp) await primary.stop();
    isUp = false;
  };
  return {
    primary,
    standby: { port, url: (database) => url(port).replace(/postgres$/, database) },
    caughtUp: async () => {
      const { at } = (await ask(url(primary.port), 'select pg_current_wal_lsn()::text as at')) ?? {};
      while ((await ask(url(port), `select pg_last_wal_replay_lsn() >= '${at}' as has`))?.has !== (true as unknown));
    },
    stopPrimary,
    promote: async () => void (await ask(url(port), 'select pg_promote()')),
    stop: async () => {
      await ended(server);
      rmSync(copy, { recursive: true, force: true });
      await stopPrimary();
    },
  };
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGQUIT');
  await once(server, 'exit');
}

/** A base backup by the server's own functions: the package has no pg_basebackup. */
async function copyWhileRunning(url: string, data: string, copy: string): Promise<void> {
  const client = await connect({ connectionString: url });
  try {
    await client.query("select pg_backup_start('standby', true)");
    // With its owner, as whom the server runs.
    execFileSync('cp', ['-a', data, copy]);
    rmSync(join(copy, 'postmaster.pid'));
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
    const { uid, gid } = statSync(data);
    for (const [name, text] of [
      ['backup_label', rows[0]?.labelfile ?? ''],
      ['standby.signal', ''],
    ] as const) {
      writeFileSync(join(copy, name), text);
      chownSync(join(copy, name), uid, gid);
    }
  } finally {
    await client.end();
  }
}
