import type { Arguments } from './arguments.ts';
import {
  Child,
  type LoadDone,
  type PurgeDone,
  type PurgeWayOptions,
  type SignInOptions,
  type Window,
} from './children.ts';
import type { Databases } from './databases.ts';
import { cpuTimes } from './machine.ts';
import type { Way } from './ways.ts';

export interface Measurement {
  way: Way;
  done: PurgeDone;
  load: LoadDone;
  /** Rows expired before the way began that it left behind. */
  left: number;
  /** Share of the machine's CPU time that was used meanwhile, by whatever process. */
  cpuBusy: number;
}

const warmUpMs = 2_000;
/** Younger ones are the purge's grace, and live entries that expire while the bench runs. */
const certainlyExpiredMs = 60_000;

/** One way on one fresh copy, beside the load. */
export async function measure(
  databases: Databases,
  way: Way,
  { connections, rate, idleSeconds, rounds }: Arguments & { rounds: number },
  signal: AbortSignal,
): Promise<Measurement> {
  signal.throwIfAborted();
  await databases.createCopy();
  const url = databases.copyUrl;
  const signIns = new Child<SignInOptions, LoadDone>('signIns.ts', { url, connections, rate, warmUpMs }, signal);
  const purgeOptions = { way, url, idleSeconds: Math.max(2, idleSeconds / rounds) };
  const purge = new Child<PurgeWayOptions, PurgeDone>('purgeWay.ts', purgeOptions, signal);
  try {
    await Promise.all([signIns.ready(), purge.ready()]);
    const before = new Date(Date.now() - certainlyExpiredMs);
    const cpuBefore = cpuTimes();
    const done = await purge.finish('go');
    const cpuAfter = cpuTimes();
    const load = await signIns.finish({ from: done.from, to: done.to } satisfies Window);
    const left = way === 'idle' ? 0 : await databases.countExpired(before);
    const cpuBusy = (cpuAfter.busy - cpuBefore.busy) / Math.max(1, cpuAfter.all - cpuBefore.all);
    return { way, done, load, left, cpuBusy };
  } finally {
    signIns.kill();
    purge.kill();
    await databases.dropCopy();
  }
}
