import { randomBytes } from 'node:crypto';

/** The largest time of a JavaScript Date in ms; time is subtracted from it, so that the newest run comes first by name. */
const endOfTime = 8_640_000_000_000_000;

/** `{job}.{cache}.{inverted time}{random}`: names the run, and carries what finds its record. */
export function newRunId(job: string, cache: string, startedAt: Date): string {
  const inverted = (endOfTime - startedAt.getTime()).toString(36).padStart(11, '0');
  return `${job}.${cache}.${inverted}${randomBytes(4).toString('hex')}`;
}

/** The parts of a run id; undefined where the text is none. Job and cache names hold no dot and no path separator. */
export function parseRunId(runId: string): { job: string; cache: string; row: string } | undefined {
  const match = /^([A-Za-z]+)\.([a-z][a-z0-9-]{0,39})\.([0-9a-z]{11}[0-9a-f]{8})$/.exec(runId);
  return match?.[1] && match[2] && match[3] ? { job: match[1], cache: match[2], row: match[3] } : undefined;
}
