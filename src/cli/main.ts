import { runCommandLine } from './program.ts';
import { onSignal } from './stopSignal.ts';

// Stops between two batches.
const stop = new AbortController();
onSignal(['SIGINT', 'SIGTERM'], () => stop.abort());

process.exitCode = await runCommandLine(process.argv.slice(2), stop.signal);
