import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../local/embeddedPostgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Connection string of the embedded PostgreSQL's maintenance database. */
    postgresUrl: string;
  }
}

/** One embedded PostgreSQL for the whole run; each test file makes a database of its own in it. */
export default async function setup(project: TestProject) {
  // The data are worth nothing, and the tests many.
  const server = await startPostgres(['-c', 'fsync=off', '-c', 'full_page_writes=off']);
  project.provide('postgresUrl', server.url('postgres'));
  return () => server.stop();
}
