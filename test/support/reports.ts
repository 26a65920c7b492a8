import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { appReport } from '../../src/lib/appTelemetry/appReport.ts';
import { pruneReport } from '../../src/lib/keyRing/jobs/prune.ts';
import { revokeReport } from '../../src/lib/keyRing/jobs/revoke.ts';
import { rewrapReport } from '../../src/lib/keyRing/jobs/rewrap.ts';
import { ringStatusReport } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateReport } from '../../src/lib/keyRing/jobs/rotate.ts';
import { redisClearPlan, redisClearReport } from '../../src/lib/redis/clearReport.ts';
import { watchReport } from '../../src/lib/redis/watchReport.ts';
import { clearPlan, clearReport } from '../../src/lib/sql/clearReport.ts';
import { countsReport } from '../../src/lib/sql/counts.ts';
import { indexReport } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { purgePlan, purgeReport } from '../../src/lib/sql/purgeReport.ts';
import { root } from './childProcess.ts';

/** The schema of each report that `realReports` makes. */
export const reportSchemas = {
  index: indexReport,
  purgePlan,
  counts: countsReport,
  purge: purgeReport,
  clearPlan,
  clear: clearReport,
  watch: watchReport,
  watchDown: watchReport,
  app: appReport,
  appUnknown: appReport,
  redisClearPlan,
  redisClear: redisClearReport,
  revokePlan: revokeReport,
  revoke: revokeReport,
  ringStatusLate: ringStatusReport,
  rotatePlan: rotateReport,
  rotate: rotateReport,
  ringStatus: ringStatusReport,
  rewrap: rewrapReport,
  prune: pruneReport,
} as const;
export type Reports = { [Name in keyof typeof reportSchemas]: z.infer<(typeof reportSchemas)[Name]> };

export const recordedReports = `${root}/test/fixtures/reports.json`;

/**
 * A report of each job, as the job made it: for tests that need no server. `test/integration/reports.test.ts` makes them anew,
 * and fails where a schema has changed since.
 */
export const reports = JSON.parse(readFileSync(recordedReports, 'utf8')) as Reports;
