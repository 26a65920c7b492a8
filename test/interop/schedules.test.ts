/** Schedules held against NCrontab, by which the Functions host reads them: the same verdict, and the same next ten firings. */
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { beforeAll, describe, expect, it } from 'vitest';
import { cronOf, inZone, neverFires, readSchedule } from '../../src/lib/schedules.ts';
import { buildClients, type Clients } from '../support/clients.ts';
import { dotnetFound, dotnetTimeLimitMs } from '../support/dotnet.ts';

const count = 2_000;
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'];
const from = ['2026-01-15T00:00:00', '2026-06-30T23:59:58', '2027-12-31T12:00:00'];

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
  .map((fields) => fields.join(' '));

describe.skipIf(!dotnetFound)('schedules', () => {
  let clients: Clients;
  beforeAll(() => {
    clients = buildClients();
  }, dotnetTimeLimitMs);

  it('fire when NCrontab says, in each time zone, and are refused where it refuses them', () => {
    const texts = fc.sample(schedule, { numRuns: count, seed });
    const answers = clients.ask(
      texts.map((text, index) => ({ client: 'ncrontab', text, from: from[index % from.length] ?? '', count: 10 })),
    );
    let taken = 0;
    for (const [index, text] of texts.entries()) {
      const { refused, firings = [] } = answers[index] ?? {};
      const context = `${text} (seed ${seed})`;
      expect(readSchedule(text) === undefined, context).toBe(refused !== undefined);
      if (refused !== undefined) continue;
      taken += 1;
      if (firings.length === 0 && neverFires(text)) continue;
      const zone = zones[index % zones.length] ?? 'UTC';
      const start = Temporal.PlainDateTime.from(from[index % from.length] ?? '').toZonedDateTime(zone);
      const own = cronOf(inZone(text, zone)).nextRuns(firings.length, new Date(start.epochMilliseconds));
      const clock = own.map((at) =>
        Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone).toPlainDateTime().toString(),
      );
      const usual = (at: string) => !isChange(at, zone);
      expect(clock.filter(usual).slice(0, 5), `${context} in ${zone}`).toEqual(firings.filter(usual).slice(0, 5));
    }
    console.log(`${count} schedules, ${taken} of them taken (seed ${seed})`);
    expect(taken).toBeGreaterThan(count / 2);
  });

  it('that never fire are told apart from those that seldom do', () => {
    expect(neverFires('0 0 3 30 2 *')).toBe(true);
    expect(neverFires('0 0 3 31 2,4,6,9,11 *')).toBe(true);
    expect(neverFires('0 0 3 29 2 1')).toBe(false);
    expect(clients.ask([{ client: 'ncrontab', text: '0 0 3 30 2 *', from: from[0] ?? '', count: 1 }])).toEqual([
      { firings: [] },
    ]);
  });
});

/** On the day when the clocks are changed an hour is missing or there twice; NCrontab knows of no clocks. */
function isChange(at: string, zone: string): boolean {
  return Temporal.PlainDate.from(at.slice(0, 10)).toZonedDateTime(zone).hoursInDay !== 24;
}
