import { parseArgs } from 'node:util';
import { type Scenario, scenarios } from './scenarios.ts';

export interface StartArguments {
  /** Entries of the SQL cache. */
  entries: number;
  /** End after the first run, instead of serving the functions. */
  once: boolean;
  port: number;
  /** What is broken; undefined for nothing. */
  scenario: Scenario | undefined;
}

const usage = `Usage: npm start -- [--entries N] [--once] [--port N] [--scenario NAME]
  --entries N  entries to begin with (default 100000)
  --once       end after the first run, instead of serving the functions
  --port N     where they are served (default 7071, as by func start; 0 for any that is free)
  --scenario NAME  break one thing, to see it found:
${Object.entries(scenarios)
  .map(([name, { what }]) => `    ${name.padEnd(14)} ${what}`)
  .join('\n')}`;

/** Reads the command line; on a wrong one it says how to call the command, and exits with 2. */
export function readStartArguments(): StartArguments {
  try {
    const { values } = parseArgs({
      options: {
        entries: { type: 'string', default: '100000' },
        once: { type: 'boolean', default: false },
        port: { type: 'string', default: '7071' },
        scenario: { type: 'string' },
      },
    });
    return {
      entries: wholeNumber('--entries', values.entries, 1, 999_999_999),
      once: values.once,
      port: wholeNumber('--port', values.port, 0, 65_535),
      scenario: chosen(values.scenario),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

function chosen(name: string | undefined): Scenario | undefined {
  if (name === undefined) return undefined;
  const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined;
  if (!scenario) throw new Error(`--scenario expects one of ${Object.keys(scenarios).join(', ')}`);
  return scenario;
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`${flag} expects a whole number from ${least} to ${most.toLocaleString('en-US')}`);
}
