import { parseArgs } from 'node:util';

export interface Arguments {
  /** Sizes to measure, in entries. */
  entries: number[];
  /** Rounds per size; undefined for as many as the size needs. */
  rounds: number | undefined;
  /** How long the load without a purge is measured, per size. */
  idleSeconds: number;
  connections: number;
  /** Operations per second of each connection. */
  rate: number;
  /** The entries lie in no order at all, instead of in that of their last write. */
  shuffled: boolean;
}

const usage = `Usage: npm run bench:purge -- [options]
  --entries N,N,…   sizes to measure (default 10000,100000,1000000); --sizes is the same
  --rounds N        rounds per size (default 7 up to 20,000 entries, else 3)
  --seconds N       seconds of the load without a purge, per size (default 10)
  --connections N   connections of the load (default 4)
  --rate N          operations per second of each connection (default 50)
  --shuffled        entries lie at random in the table, the worst case, instead of in the order of their last write`;

const option = { type: 'string' } as const;

/** Reads the command line; on a wrong one it says how to call the bench, and exits with 2. */
export function readArguments(): Arguments {
  try {
    const { values } = parseArgs({
      options: {
        entries: option,
        sizes: option,
        rounds: option,
        seconds: option,
        connections: option,
        rate: option,
        shuffled: { type: 'boolean' },
      },
    });
    if (values.entries && values.sizes) throw new Error('--entries and --sizes are the same: give one of them');
    const sizes = values.entries ?? values.sizes ?? '10000,100000,1000000';
    return {
      entries: sizes.split(',').map((size) => wholeNumber('--entries', size, 1_000, 100_000_000)),
      rounds: values.rounds === undefined ? undefined : wholeNumber('--rounds', values.rounds, 1, 100),
      idleSeconds: wholeNumber('--seconds', values.seconds ?? '10', 1, 600),
      connections: wholeNumber('--connections', values.connections ?? '4', 1, 50),
      rate: wholeNumber('--rate', values.rate ?? '50', 1, 500),
      shuffled: values.shuffled ?? false,
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

/** A small size is over in a blink: only the median of several rounds says something about it. */
export function roundsOf({ rounds }: Arguments, entries: number): number {
  if (rounds !== undefined) return rounds;
  return entries <= 20_000 ? 7 : 3;
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`${flag} expects whole numbers from ${min} to ${max}, not ${text}`);
}
