import { parseRunId } from '../../runs/runId.ts';
import type { RunningRun } from '../../runs/runningState.ts';
import { numberText } from '../../sql/summaries.ts';
import { timeText } from './wording.ts';

/** What holds a cache, in a sentence: a purge or a clear. Null where nothing does. */
export function runningText(running: RunningRun | undefined): string | null {
  if (!running) return null;
  const { runId, startedAt, deleted, updatedAt, lost } = running;
  const job = parseRunId(runId)?.job ?? 'run';
  const [began, told, done] = [timeText(startedAt), timeText(updatedAt), `${numberText(deleted)} deleted`];
  if (lost === null)
    return `A ${job} that began at ${began} has told nothing since ${told}: ${done} by then. Whether it is still at work is not known, since its database does not answer.`;
  if (!lost) return `A ${job} is under way since ${began}: ${done} so far.`;
  return `A ${job} that began at ${began} is lost, since its process ended. It told last at ${told}: ${done}. ${job === 'purge' ? 'The next run goes on.' : 'Nobody goes on with it: start it again.'}`;
}
