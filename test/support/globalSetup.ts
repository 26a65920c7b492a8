import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../dev/embeddedPostgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Connection string of the embedded PostgreSQL's maintenance database. */
    postgresUrl: string;
  }
}

/** One embedded PostgreSQL for the whole run; each test file makes a database of its own in it. */
export default async function setup(project: TestProject) {
  // The data are worth nothing, and the tests many.
  const events: NodeJS.EventEmitter = process;
  const before = ['beforeExit', 'exit'].map((event) => ({ event, known: events.listeners(event) }));
  const server = await startPostgres([
    '-c',
    'fsync=off',
    '-c',
    'full_page_writes=off',
    '-c',
    'max_prepared_transactions=10',
  ]);
  const added = before.map(({ event, known }) => ({
    event,
    listeners: events.listeners(event).filter((listener) => !known.includes(listener)),
  }));
  project.provide('postgresUrl', server.url('postgres'));
  return async () => {
    await server.stop();
    // The package's own would end this process with code 0 over the one that vitest sets: failed tests would count as passed.
    for (const { event, listeners } of added)
      for (const listener of listeners) events.off(event, listener as () => void);
  };
}
