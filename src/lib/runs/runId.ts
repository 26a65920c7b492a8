import { randomBytes } from 'node:crypto';

/** The largest time of a JavaScript Date in ms; time is subtracted from it, so that the newest run comes first by name. */
const endOfTime = 8_640_000_000_000_000;

const nameText = '[a-z][a-z0-9-]{0,39}';

/** The form of the name of a cache or ring: no dot, and no path separator. */
export const nameForm = new RegExp(`^${nameText}$`);

const runIdForm = new RegExp(`^([A-Za-z]+)\\.(${nameText})\\.([0-9a-z]{11}[0-9a-f]{8})$`);

/** `{job}.{subject}.{inverted time}{random}`: names the run, and carries what finds its record. */
export function newRunId(job: string, subject: string, startedAt: Date): string {
  return `${job}.${subject}.${rowsBefore(startedAt)}${randomBytes(4).toString('hex')}`;
}

/** Rows that sort after this one are of runs that began before `time`. */
export function rowsBefore(time: Date): string {
  return (endOfTime - time.getTime()).toString(36).padStart(11, '0');
}

/** The parts of a run id; undefined where the text is not a run id. Names of jobs and subjects hold no dot and no path separator. */
export function parseRunId(runId: string): { job: string; subject: string; row: string } | undefined {
  const match = runIdForm.exec(runId);
  return match?.[1] && match[2] && match[3] ? { job: match[1], subject: match[2], row: match[3] } : undefined;
}
