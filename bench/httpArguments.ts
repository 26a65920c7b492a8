import { parseArgs } from 'node:util';

const usage = `Usage: npm run bench:http -- [options]
  --entries N  entries of the cache, 70 % of them expired (default 300000)
  --rounds N   purges of each kind (default 5)`;

/** Reads the command line; on a wrong one it says how to call the bench, and exits with 2. */
export function readHttpArguments(): { entries: number; rounds: number } {
  try {
    const option = { type: 'string' } as const;
    const { values } = parseArgs({ options: { entries: option, rounds: option } });
    const number = (name: keyof typeof values, otherwise: number, least: number, most: number) => {
      const value = Number(values[name] ?? otherwise);
      if (Number.isInteger(value) && value >= least && value <= most) return value;
      throw new Error(`--${name} expects a whole number from ${least} to ${most}`);
    };
    return { entries: number('entries', 300_000, 1_000, 10_000_000), rounds: number('rounds', 5, 1, 100) };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}
