/**
 * Runs the command line as src/cli/main.ts does, and says on the last line of stderr what still keeps the process when its report is
 * out. A connection that is being closed is given a moment; a timer of a second or more is not.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { runCommandLine } from '../../src/cli/program.ts';

/** What the test reads this process by. */
const own = new Set(['PipeWrap', 'TTYWrap']);
const looks = 20;

process.exitCode = await runCommandLine(process.argv.slice(2), new AbortController().signal);
let held: string[] = [];
for (let look = 0; look < looks; look += 1) {
  // Its own timer is over by then.
  await delay(10);
  held = process.getActiveResourcesInfo().filter((resource) => !own.has(resource));
  if (held.length === 0) break;
}
process.stderr.write(`\nheld: ${JSON.stringify(held)}\n`);
