/** A purge from the queue, whatever happens to its messages, its instances and their storage meanwhile. */
import { setImmediate as settled } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/lib/runs/runRecord.ts';
import { joinAllParts } from '../../src/lib/runs/sumOfParts.ts';
import { type Instance, QueueWorld } from '../support/queueWorld.ts';

const rows = 100;
/** At most: a message is given up after five tries, and nothing is to be expected of it then. */
const mishaps = { kill: 3, fail: 3, redeliver: 2 };

interface Scenario {
  choices: number[];
  maxRows: number | undefined;
  trigger: 'timer' | 'http';
  /** Beside a timer's purge that comes from no message. */
  direct: boolean;
}

/** Plays until nothing is left to do; where the choices end, each step is the first that can be made. */
async function play({ choices, maxRows, trigger, direct }: Scenario): Promise<QueueWorld> {
  const world = new QueueWorld(rows);
  world.put({ trigger, ...(maxRows !== undefined && { purge: { maxRows } }) });
  if (direct) world.purgeDirectly();
  const left = { ...mishaps };
  const take = (kind: keyof typeof mishaps) => left[kind]-- > 0;
  const rest = [...choices];
  for (let step = 0; step < 20_000; step += 1) {
    await settled();
    const { turns, visible, queue } = world;
    if (turns.length === 0 && visible.length === 0) {
      if (queue.length === 0) return world;
      world.now = Math.min(...queue.map(({ visibleAt }) => visibleAt));
      continue;
    }
    const choice = rest.shift() ?? 0;
    const kind = choice % 64;
    const detail = Math.floor(choice / 64);
    const hidden = queue.find(({ deliveries, visibleAt }) => deliveries > 0 && visibleAt > world.now);
    const next = visible[detail % visible.length];
    if (kind === 1 && take('kill')) world.kill(detail);
    else if (kind === 2 && hidden && take('redeliver')) world.deliver(hidden);
    else if (next && (turns.length === 0 || kind % 4 === 0)) world.deliver(next);
    else turns.splice(detail % turns.length, 1)[0]?.go(kind === 5 && take('fail'));
  }
  throw new Error('The chain did not end.');
}

const scenarios = fc.record<Scenario>({
  choices: fc.array(fc.nat(4_095), { maxLength: 400, size: 'max' }),
  maxRows: fc.option(fc.constantFrom(15, 45), { nil: undefined }),
  trigger: fc.constantFrom('timer', 'http'),
  direct: fc.boolean(),
});

async function sums(world: QueueWorld): Promise<RunRecord<'purge'>[]> {
  const records = world.records();
  const runs = await records.latestRuns('purge', 'default', 1_000);
  const later = new Date(world.now + 24 * 3_600_000);
  return (await joinAllParts(records, runs, later)) as RunRecord<'purge'>[];
}

const told = ({ report, lost }: RunRecord<'purge'>) => (report && !report.dryRun ? report.deleted : (lost ?? 0));

describe('a purge from the queue', () => {
  it('tells no more than was deleted, and says that it is incomplete where it tells less', async () => {
    const check = async (scenario: Scenario) => {
      const world = await play(scenario);
      for (const run of await sums(world)) {
        const deleted = world.deleted.get(run.runId) ?? 0;
        expect(told(run)).toBeLessThanOrEqual(deleted);
        expect(told(run) === deleted || run.incomplete).toBe(true);
        if (!scenario.direct) expect(told(run)).toBeLessThanOrEqual(scenario.maxRows ?? rows);
      }
      // No part follows twice.
      const parts = [...world.runs.values()].map((text) => JSON.parse(text) as RunRecord);
      const names = parts.map(({ runId, first, part }) => `${first ?? runId} ${part}`);
      expect(new Set(names).size).toBe(names.length);
      // By nothing but the failures that it is given, of which the store of records tells in its own words.
      for (const { error } of parts)
        if (error) expect(error.message).toMatch(/It failed\.|record store cannot be reached/);
      if (world.poison.length === 0 && scenario.maxRows === undefined && !scenario.direct) expect(world.rows).toBe(0);
    };
    // A failure is told with its seed at once: made smaller, it would take longer than a test may.
    await fc.assert(fc.asyncProperty(scenarios, check), { numRuns: 200, endOnFailure: true });
  });

  /** Gives an instance its turns: until then, or until it has none left. */
  const run = async (world: QueueWorld, instance: Instance, until = () => false) => {
    for (let idle = 0; idle < 3 && !until(); idle += 1) {
      await settled();
      const index = world.turns.findIndex((turn) => turn.instance === instance);
      if (index < 0) continue;
      world.turns.splice(index, 1)[0]?.go(false);
      idle = 0;
    }
  };

  it.each(['before', 'after'])(
    'counts both, where an instance wakes up that had lost its lock, %s the other ends',
    async (when) => {
      const world = new QueueWorld(rows);
      world.put();
      const [queued] = world.queue;
      if (!queued) throw new Error('nothing is queued');
      const first = world.deliver(queued);
      await run(world, first, () => world.rows === 80);
      world.standStill();
      const second = world.deliver(queued);
      await run(world, second, () => world.rows === 70);
      await run(world, when === 'before' ? first : second);
      await run(world, when === 'before' ? second : first);
      expect([...world.deleted.values()]).toEqual([50]);
      expect(await sums(world)).toMatchObject([{ incomplete: true, report: { deleted: 50 } }]);
    },
  );
});
