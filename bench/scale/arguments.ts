import { parseArgs } from 'node:util';

export interface Arguments {
  caches: number;
  /** Entries of the largest cache; the smallest has 100, the others lie evenly between on a logarithmic scale. */
  largest: number;
  /** Worker processes of each round. */
  workers: number[];
  /** Runs at once on the server, over all workers. */
  atOnce: number;
  /** Entries of the one cache that is drained by continuations; 0 to leave that out. */
  chainEntries: number;
  killEverySeconds: number;
}

const usage = `Usage: npm run bench:scale -- [options]
  --caches N          caches of mixed size (default 200; 0 to leave them out)
  --largest N         entries of the largest (default 20000; the smallest has 100)
  --workers N,N,…     worker processes of each round (default 1,2,4)
  --at-once N         SERVER_CONCURRENCY (default 24)
  --chain-entries N   entries of the cache that is drained by continuations (default 5000000; 0 to leave it out)
  --kill-every N      seconds between two kill -9 (default 25)`;

const option = { type: 'string' } as const;

/** Reads the command line; on a wrong one it says how to call the bench, and exits with 2. */
export function readArguments(): Arguments {
  try {
    const { values } = parseArgs({
      options: {
        caches: option,
        largest: option,
        workers: option,
        'at-once': option,
        'chain-entries': option,
        'kill-every': option,
      },
    });
    return {
      caches: wholeNumber('--caches', values.caches ?? '200', 0, 1_000),
      largest: wholeNumber('--largest', values.largest ?? '20000', 100, 10_000_000),
      workers: (values.workers ?? '1,2,4').split(',').map((count) => wholeNumber('--workers', count, 1, 64)),
      atOnce: wholeNumber('--at-once', values['at-once'] ?? '24', 1, 100),
      chainEntries: wholeNumber('--chain-entries', values['chain-entries'] ?? '5000000', 0, 100_000_000),
      killEverySeconds: wholeNumber('--kill-every', values['kill-every'] ?? '25', 1, 3_600),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${name} expects a whole number from ${least} to ${most}`);
}
