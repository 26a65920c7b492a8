/** Schedules held against the Functions host's own reader of them: the same verdict, and the same next ten firings. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { firingsAfter, firingsBefore, inZone, neverFires, readSchedule } from '../../src/lib/schedules.ts';
import { buildClients, type Clients } from '../support/clients.ts';
import { dotnetFound, dotnetTimeLimitMs } from '../support/dotnet.ts';

const count = 2_000;
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Santiago'];
/** The last four are hours before the clocks change: in Berlin, in New York, in Berlin and New York again, on Lord Howe Island. */
const from = [
  ...['2026-01-15T00:00:00Z', '2026-06-30T23:59:58Z', '2027-12-31T12:00:00Z'],
  ...[
    '2026-03-28T23:10:00Z',
    '2026-03-08T05:10:00Z',
    '2026-10-24T22:10:00Z',
    '2026-11-01T03:10:00Z',
    '2026-04-04T12:10:00Z',
  ],
];

const field = (least: number, most: number, names: readonly string[] = []) => {
  const number = fc.integer({ min: least, max: most }).map(String);
  const value =
    names.length > 0
      ? fc.oneof({ weight: 3, arbitrary: number }, { weight: 1, arbitrary: fc.constantFrom(...names) })
      : number;
  const range = fc.tuple(value, value).map(([first, last]) => `${first}-${last}`);
  const step = fc
    .tuple(fc.oneof(fc.constant('*'), value, range), fc.integer({ min: 0, max: most + 2 }))
    .map(([body, by]) => `${body}/${by}`);
  const list = fc.array(fc.oneof(value, range), { minLength: 2, maxLength: 4 }).map((parts) => parts.join(','));
  const wrong = fc.constantFrom(
    '?',
    'L',
    '1#1',
    String(most + 1),
    String(least - 1),
    '',
    '1,',
    '*/x',
    '1-',
    '-1',
    'W',
    '1/',
    '5L',
    '**',
    '1,*',
  );
  const right = fc.oneof(
    { weight: 4, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: value },
    { weight: 2, arbitrary: fc.oneof(range, step, list) },
  );
  return fc.oneof({ weight: 40, arbitrary: right }, { weight: 1, arbitrary: wrong });
};

const schedule = fc
  .tuple(
    field(0, 59),
    field(0, 59),
    field(0, 23),
    field(1, 31),
    field(1, 12, ['Jan', 'ju', 'DEC', 'm', 'sept', 'x']),
    field(0, 6, ['Sun', 'mon', 'FRI', 's', 'thursday', 'x']),
  )
  .chain((fields) => fc.constantFrom(fields, fields, fields.slice(1)))
  .map((fields) => fields.join(' '));
/** Around the hours that a change of clocks leaves out or repeats. */
const nightly = fc
  .tuple(
    fc.constantFrom('0', '*/20', '7'),
    fc.constantFrom('0', '30', '0,30', '*/15', '15-17', '59'),
    fc.constantFrom('0', '1', '2', '3', '1,2', '1-3', '*', '*/2'),
  )
  .map(([second, minute, hour]) => `${second} ${minute} ${hour} * * *`);

describe.skipIf(!dotnetFound)('schedules', () => {
  let clients: Clients;
  beforeAll(() => {
    clients = buildClients();
  }, dotnetTimeLimitMs);

  it('fire when the host says, in each time zone and on days of clock change, and are refused where it refuses them', () => {
    const texts = fc.sample(fc.oneof({ weight: 3, arbitrary: schedule }, { weight: 1, arbitrary: nightly }), {
      numRuns: count,
      seed,
    });
    const requests = texts.map((text, index) => ({
      client: 'ncrontab' as const,
      text,
      zone: zones[index % zones.length] ?? '',
      from: from[Math.floor(index / zones.length) % from.length] ?? '',
      count: 10,
    }));
    const answers = clients.ask(requests);
    let [taken, otherwise] = [0, 0];
    for (const [index, { text, zone, from }] of requests.entries()) {
      const { refused, firings = [] } = answers[index] ?? {};
      const context = `${text} in ${zone} from ${from} (seed ${seed})`;
      expect(readSchedule(text) === undefined, context).toBe(refused !== undefined);
      if (refused !== undefined) continue;
      taken += 1;
      if (firings.length === 0 && neverFires(text)) continue;
      const expected = firings.map((at) => Date.parse(`${at}Z`));
      const own = firingsAfter(inZone(text, zone), new Date(from), expected.length).map((at) => at.getTime());
      expect(
        own.map((at) => new Date(at).toISOString()),
        context,
      ).toEqual(expected.map((at) => new Date(at).toISOString()));
      const [first, last] = [expected[0], expected.at(-1)];
      if (first === undefined || last === undefined) continue;
      // In an hour that comes twice, the host goes by the clock at the firing before, which may be years ago: not by that of `from`.
      const [previous] = firingsBefore(inZone(text, zone), first, 1);
      const [following] = previous === undefined ? [] : firingsAfter(inZone(text, zone), new Date(previous), 1);
      if (following && following.getTime() !== first) otherwise += 1;
      else expect(firingsBefore(inZone(text, zone), last + 1, expected.length), context).toEqual(expected.toReversed());
    }
    expect(otherwise).toBeLessThan(count / 50);
    console.log(`${count} schedules, ${taken} of them taken (seed ${seed})`);
    expect(taken).toBeGreaterThan(count / 2);
  });

  it('that never fire are told apart from those that seldom do', () => {
    expect(neverFires('0 0 3 30 2 *')).toBe(true);
    expect(neverFires('0 0 3 31 2,4,6,9,11 *')).toBe(true);
    expect(neverFires('0 0 3 29 2 1')).toBe(false);
    expect(
      clients.ask([{ client: 'ncrontab', text: '0 0 3 30 2 *', zone: 'UTC', from: from[0] ?? '', count: 1 }]),
    ).toEqual([{ firings: [] }]);
  });
});
