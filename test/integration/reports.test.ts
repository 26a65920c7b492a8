/** The report of every job, as a record keeps it, is of its schema, whole; and so are the samples of other tests. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { realReports } from '../support/realReports.ts';
import { redisFound } from '../support/redisServer.ts';
import { recordedReports, reportSchemas } from '../support/reports.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

/** With RECORD_REPORTS=true the samples are written anew, after a change of a schema. */
const recording = process.env.RECORD_REPORTS === 'true';

describe.skipIf(!redisFound)('reports', () => {
  const database = useTestDatabase();

  it('are of the schemas of their jobs, and the samples are as well', async () => {
    const made = JSON.stringify(await realReports(database), null, 2);
    // No path of this machine.
    if (recording) writeFileSync(recordedReports, made.replaceAll(/(?<=folder )[^"]*/g, '/home/site/keys'));
    for (const text of [made, readFileSync(recordedReports, 'utf8')]) {
      const reports = JSON.parse(text) as Record<string, unknown>;
      expect(Object.keys(reports).sort()).toEqual(Object.keys(reportSchemas).sort());
      for (const [name, schema] of Object.entries(reportSchemas))
        expect(schema.parse(reports[name]), name).toEqual(reports[name]);
    }
  });
});
