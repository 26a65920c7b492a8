/** Records of earlier versions are still read: the reports of every job, as the version before this shape wrote them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { diagnosis, earlier as earlierDiagnosis } from '../../src/lib/checks/diagnosisReport.ts';
import { earlier as earlierRevocation } from '../../src/lib/keyRing/jobs/revoke.ts';
import { earlier as earlierStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { earlier as earlierRotation } from '../../src/lib/keyRing/jobs/rotate.ts';
import { earlier as earlierWatch } from '../../src/lib/redis/watchReport.ts';
import { root } from '../support/childProcess.ts';
import { reportSchemas } from '../support/reports.ts';

type Name = keyof typeof reportSchemas | 'diagnosis';
const old = JSON.parse(readFileSync(`${root}/test/fixtures/earlierReports.json`, 'utf8')) as Record<Name, object>;
const schemas: Record<Name, z.ZodType> = { ...reportSchemas, diagnosis };
/** Jobs whose reports had another shape. */
const changed: Partial<Record<Name, (report: unknown) => unknown>> = {
  watch: earlierWatch,
  watchDown: earlierWatch,
  revokePlan: earlierRevocation,
  revoke: earlierRevocation,
  ringStatusLate: earlierStatus,
  ringStatus: earlierStatus,
  rotatePlan: earlierRotation,
  rotate: earlierRotation,
  diagnosis: earlierDiagnosis,
};
const read = (name: Name) => schemas[name].parse(changed[name]?.(old[name]) ?? old[name]);

describe('a report of an earlier version', () => {
  it.each(Object.keys(old) as Name[])('is read: %s', (name) => {
    expect(schemas[name].safeParse(old[name]).success).toBe(changed[name] === undefined);
    expect(read(name)).toBeDefined();
  });

  it('has the findings of a ring on the one scale, in sentences, and keys of which it is not known when they were revoked', () => {
    expect(read('ringStatusLate')).toMatchObject({
      findings: [
        {
          check: 'no_default_soon',
          level: 'critical',
          what: expect.stringMatching(/^Nothing is the default .*[^.]\.$/),
        },
        { check: 'last_usable_key', level: 'info' },
        { check: 'rotation_stopped', level: 'critical' },
      ],
      keys: [{ revoked: null }, { state: 'revoked', revoked: null }, { revoked: null }],
    });
    const [finding] = (old.ringStatusLate as { findings: object[] }).findings;
    const unadvised = { ...old.ringStatusLate, findings: [{ ...finding, advice: undefined }] };
    expect(earlierStatus(unadvised)).toMatchObject({
      findings: [{ advice: expect.stringContaining('docs/runbook') }],
    });
  });

  it.each(['toString', 'constructor', '__proto__'])('may hold a finding by the name %s', (check) => {
    for (const name of ['ringStatusLate', 'watchDown'] as const) {
      const { findings } = old[name] as { findings: object[] };
      const report = { ...old[name], findings: [{ ...findings[0], check }] };
      expect(changed[name]?.(report)).toMatchObject({ findings: [{ check }] });
    }
  });

  it('says what a watch saw, and what a diagnosis found', () => {
    expect(read('watchDown')).toMatchObject({
      findings: [{ check: 'redis-unreachable', what: expect.stringContaining('ECONNREFUSED') }, {}],
    });
    expect(read('diagnosis')).toMatchObject({
      status: 'critical',
      counts: { critical: 1, warning: 0, unknown: 1, pass: 1 },
      checks: [
        { status: 'critical', what: expect.stringContaining('does not exist'), advice: expect.stringContaining('Set') },
        { status: 'unknown' },
        { status: 'pass', advice: null },
      ],
    });
  });

  it('was a dry run where a revocation was planned', () => {
    expect(read('revokePlan')).toMatchObject({ dryRun: true });
    expect(read('revoke')).toMatchObject({ dryRun: false });
  });

  it.each([null, 7, 'text', [], {}, { cut: true, beginning: '{"at":' }])('is none where it is %j', (report) => {
    for (const earlier of Object.values(changed)) expect(earlier(report)).toBeUndefined();
  });
});
