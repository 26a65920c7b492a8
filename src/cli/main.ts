import { runCommandLine } from './program.ts';

// Stops between two batches at the first signal; a second one ends the process at once.
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

process.exitCode = await runCommandLine(process.argv.slice(2), stop.signal);
