import { z } from 'zod';
import { toldFinding } from '../findings/finding.ts';
import { historiesOf, type SubjectRecords } from '../findings/subjectRecords.ts';
import { timerReading } from '../findings/timers.ts';
import { newestFirst } from '../runs/history.ts';
import { runningRun } from '../runs/runningState.ts';
import { runRecord } from '../runs/runRecord.ts';
import { joinParts } from '../runs/sumOfParts.ts';
import type { Overview } from './overview.ts';

/** What GET /api/status and `token-cache status --json` answer. */
export const statusSchema = z
  .object({
    at: z.iso.datetime(),
    version: z.string().meta({ description: 'The version of token-cache-maintenance.' }),
    deployment: z.iso.datetime().nullable().meta({
      description: 'When the deployed code was built; null of the command line.',
    }),
    status: z.enum(['ok', 'degraded', 'failing']),
    findings: z.array(toldFinding).meta({ description: 'The worst first: the same as on the page and in the alerts.' }),
    timers: z.array(timerReading),
    subjects: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(['sqlCache', 'redisCache', 'webApp', 'keyRing']),
        running: runningRun.nullable().meta({ description: 'The purge or clear that holds the cache.' }),
        lastRuns: z
          .record(z.string(), runRecord.nullable())
          .meta({ description: 'The newest run of each job; the parts of a purge as one.' }),
      }),
    ),
  })
  .meta({ id: 'Status' });

export function statusContent(overview: Overview): z.infer<typeof statusSchema> {
  const { now, version, deployment, health, findings, timers, subjects } = overview;
  return {
    at: now.toISOString(),
    version,
    deployment: deployment ?? null,
    status: health,
    findings,
    timers,
    subjects: subjects.map((subject) => subjectStatus(subject, now)),
  };
}

function subjectStatus(subject: SubjectRecords, now: Date) {
  return {
    name: subject.name,
    kind: subject.kind,
    running: ('running' in subject && subject.running) || null,
    lastRuns: Object.fromEntries(
      historiesOf(subject).map(({ job, runs }) => [job, joinParts(runs, now).sort(newestFirst)[0] ?? null]),
    ),
  };
}
