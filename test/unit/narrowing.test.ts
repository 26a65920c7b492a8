import { expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { CacheTableError } from '../../src/lib/sql/cacheTableError.ts';
import { Narrowing } from '../../src/lib/sql/narrowing.ts';

const refused = new CacheTableError(
  'rows',
  '23503',
  'row_refused',
  'They are referred to (constraint a of b)',
  'Cascade.',
);
const all = Array.from({ length: 1_000 }, (_, at) => `k${String(at).padStart(4, '0')}`);
const isHeld = (key: string) => key.endsWith('3');

/** A range of which some rows are refused, and how often it was tried. */
function range(left = new Set(all)) {
  const counts = { removes: 0, questions: 0 };
  return {
    counts,
    left,
    keys: async (after: string | undefined, limit: number) =>
      [...left].filter((key) => after === undefined || key > after).slice(0, limit),
    remove: async (keys: readonly string[]) => {
      counts.removes += 1;
      if (keys.some(isHeld)) throw refused;
      for (const key of keys) left.delete(key);
      return keys.length;
    },
    probe: async () => undefined,
  };
}

it('asks once which rows a constraint holds, and tries none of them again', async () => {
  const rows = range();
  const asked = {
    ...rows,
    left: async () => 0,
    heldBy: async (keys: readonly string[]) => {
      rows.counts.questions += 1;
      return keys.filter(isHeld);
    },
  };
  const narrowing = new Narrowing(systemClock);
  expect(await narrowing.removeAround(asked, 1_000)).toMatchObject({ deleted: 900, kept: [{ entries: 100 }] });
  expect(rows.counts).toEqual({ removes: 2, questions: 1 });
  expect(await narrowing.removeAround(asked, 1_000)).toMatchObject({ deleted: 0, kept: [{ entries: 100 }] });
  expect(rows.counts).toEqual({ removes: 2, questions: 1 });
});

it.each([
  ['cannot be asked', undefined],
  ['knows of none', []],
] as const)('halves where that %s', async (_, answer) => {
  const rows = range();
  const asked = { ...rows, left: async () => 0, heldBy: async () => (answer ? [...answer] : undefined) };
  expect(await new Narrowing(systemClock).removeAround(asked, 1_000)).toMatchObject({
    deleted: 900,
    kept: [{ entries: 100 }],
  });
});
