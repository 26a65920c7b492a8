import { parseArgs } from 'node:util';

export interface StartArguments {
  /** Entries of the SQL cache. */
  entries: number;
  /** End after the first run, instead of serving the functions. */
  once: boolean;
  port: number;
}

const usage = `Usage: npm start -- [--entries N] [--once] [--port N]
  --entries N  entries to begin with (default 100000)
  --once       end after the first run, instead of serving the functions
  --port N     where they are served (default 7071, as by func start; 0 for any that is free)`;

/** Reads the command line; on a wrong one it says how to call the command, and exits with 2. */
export function readStartArguments(): StartArguments {
  try {
    const { values } = parseArgs({
      options: {
        entries: { type: 'string', default: '100000' },
        once: { type: 'boolean', default: false },
        port: { type: 'string', default: '7071' },
      },
    });
    return {
      entries: wholeNumber('--entries', values.entries, 1, 999_999_999),
      once: values.once,
      port: wholeNumber('--port', values.port, 0, 65_535),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`${flag} expects a whole number from ${least} to ${most.toLocaleString('en-US')}`);
}
