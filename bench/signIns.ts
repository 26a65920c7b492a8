/**
 * The sign-ins' load, in a process of its own: operations at a fixed pace, whether the earlier ones have been answered
 * or not, so that a stall is seen by all that were due meanwhile. Started by measure.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import pg from 'pg';
import { answer, now, type Operation, optionsOfChild, readyFor, type SignInOptions, type Window } from './children.ts';
import { readAndSlide, revive, type SampledKeys, sampleKeys, takeKey } from './signInStatements.ts';

const reviveShare = 0.2;
const limitMs = 2 * 60 * 60_000;

const { url, connections, rate, warmUpMs, revived } = optionsOfChild<SignInOptions>();
const clients = await Promise.all(Array.from({ length: connections }, connect));
const keys = await sampleKeys(clients[0] ?? (await connect()), revived);
const operations: Operation[] = [];
const failures: string[] = [];
/** One per connection: what it still has to do, in order. */
const queues = clients.map(() => Promise.resolve());
let turn = 0;
let to = Number.POSITIVE_INFINITY;

const pacer = new Worker(new URL('pacer.ts', import.meta.url), {
  workerData: { intervalMs: 1_000 / (connections * rate), limitMs },
});
pacer.on('message', enqueue);
await delay(warmUpMs);

const window = await readyFor<Window>();
to = window.to;
await pacer.terminate();
await Promise.all(queues);
const measured = operations.filter(({ due }) => due >= window.from && due <= window.to);
answer({ kind: 'done', reads: latencies('read'), revives: latencies('revive'), operations: measured, failures });

function enqueue(due: number): void {
  turn = (turn + 1) % clients.length;
  const client = clients[turn];
  if (client) queues[turn] = queues[turn]?.then(() => operate(client, keys, due)) ?? Promise.resolve();
}

/** Its time begins when it was due, not when the connection came to it. */
async function operate(client: pg.Client, { live, expired }: SampledKeys, due: number): Promise<void> {
  if (due > to) return;
  const kind = Math.random() < reviveShare ? 'revive' : 'read';
  try {
    await (kind === 'read' ? readAndSlide(client, takeKey(live)) : revive(client, takeKey(expired)));
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error));
  }
  operations.push({ kind, due, ms: now() - due });
}

function latencies(kind: Operation['kind']): number[] {
  return measured.filter((operation) => operation.kind === kind).map(({ ms }) => ms);
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}
