import { Cron } from 'croner';
import { Temporal } from 'temporal-polyfill';

/**
 * Schedules as the Functions host reads them, by NCrontab: five fields (minute hour day month weekday) or six (a second before
 * them), all of which must fit. Behind `;` may stand the time zone whose clock they go by: `0 0 3 * * *;Europe/Berlin`.
 */

const months = 'january,february,march,april,may,june,july,august,september,october,november,december'.split(',');
const weekdays = 'sunday,monday,tuesday,wednesday,thursday,friday,saturday'.split(',');

interface Field {
  least: number;
  most: number;
  names?: readonly string[];
}
const fields: readonly Field[] = [
  { least: 0, most: 59 },
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  { least: 1, most: 12, names: months },
  { least: 0, most: 6, names: weekdays },
];

/** The values of each field; undefined for a text that NCrontab refuses: the host then starts no such timer. */
export function readSchedule(text: string): number[][] | undefined {
  const given = text.split(' ').filter((part) => part !== '');
  const parts = given.length === fields.length - 1 ? ['0', ...given] : given;
  if (parts.length !== fields.length) return undefined;
  const values = fields.map((field, index) => valuesOf(field, parts[index] ?? ''));
  return values.every((each) => each !== undefined) ? values : undefined;
}

function valuesOf(field: Field, text: string): number[] | undefined {
  const parts = text.indexOf(',') > 0 ? text.split(',') : [text];
  const ranges = parts.map((part) => rangeOf(field, part));
  if (!ranges.every((range) => range !== undefined)) return undefined;
  const fits = (value: number) =>
    ranges.some(([first, last, step]) => value >= first && value <= last && (value - first) % step === 0);
  return Array.from({ length: field.most - field.least + 1 }, (_, index) => field.least + index).filter(fits);
}

/** `*`, `5`, `1-5`, each with `/step`; a number with a step goes on to the end, and a range may stand the wrong way round. */
function rangeOf(field: Field, text: string): [first: number, last: number, step: number] | undefined {
  const slash = text.indexOf('/');
  const stepText = slash > 0 ? text.slice(slash + 1) : '1';
  if (!/^\s*[+-]?\d{1,9}\s*$/.test(stepText)) return undefined;
  const step = Math.max(1, Number(stepText));
  const body = slash > 0 ? text.slice(0, slash) : text;
  if (body === '*') return [field.least, field.most, step];
  const dash = body.indexOf('-');
  const first = numberOf(field, dash > 0 ? body.slice(0, dash) : body);
  const last = dash > 0 ? numberOf(field, body.slice(dash + 1)) : slash > 0 ? field.most : first;
  const isIn = (value: number | undefined): value is number =>
    value !== undefined && value >= field.least && value <= field.most;
  if (!isIn(first) || !isIn(last)) return undefined;
  return [Math.min(first, last), Math.max(first, last), step];
}

/** A number, or how a name begins: the first that fits counts. */
function numberOf({ least, names }: Field, text: string): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  if (!names || text === '') return undefined;
  const index = names.findIndex((name) => name.startsWith(text.toLowerCase()));
  return index < 0 ? undefined : least + index;
}

/** Whether no year has a day that fits, as the 30th of February. */
export function neverFires(schedule: string): boolean {
  const [, , , days = [], inMonths = []] = readSchedule(expressionOf(schedule)) ?? [];
  return inMonths.every((month) => Math.min(...days) > new Date(Date.UTC(2024, month, 0)).getUTCDate());
}

/** The schedule on the clock of a time zone. */
export function inZone(schedule: string, zone: string): string {
  return zone === 'UTC' ? schedule : `${schedule};${zone}`;
}

/** The fields alone, as the host takes them. */
export function expressionOf(schedule: string): string {
  return schedule.split(';', 1)[0]?.trim() ?? '';
}

/** The next firings after then; fewer where there are no more. */
export function firingsAfter(schedule: string, after: Date, count: number): Date[] {
  const clock = clockOf(schedule);
  let from: number | undefined = after.getTime();
  return Array.from({ length: count }, () => {
    from = from === undefined ? undefined : nextFiring(clock, from);
    return from === undefined ? [] : new Date(from);
  }).flat();
}

/** The last firings before then, the last first; all in milliseconds since 1970. */
export function firingsBefore(schedule: string, before: number, count: number): number[] {
  const clock = clockOf(schedule);
  // On a day of change what fits on the clock may not fire: then it is looked for further back.
  for (let depth = count; ; depth *= 2) {
    const walls = clock.cron.previousRuns(depth, wallAt(clock, before));
    const [start] = walls.slice(-1);
    const found: number[] = [];
    let at = start && nextFiring(clock, instantOf(clock, start) - 1);
    for (; at !== undefined && at < before; at = nextFiring(clock, at)) found.unshift(at);
    if (found.length >= count || walls.length < depth) return found.slice(0, count);
  }
}

interface ScheduleClock {
  /** What fits the fields on a clock without changes. What NCrontab reads is spelled out, since croner reads fields otherwise. */
  cron: Cron;
  zone: string;
  /** By the host's word: it fires at more than single points of an hour or a day. */
  isInterval: boolean;
}

function clockOf(schedule: string): ScheduleClock {
  const values = readSchedule(expressionOf(schedule)) ?? [];
  return {
    cron: new Cron(values.map((each) => each.join(',')).join(' '), {
      paused: true,
      mode: '6-part',
      domAndDow: true,
      // Not `timezone: 'UTC'`, for which it would format each date: three times as slow.
      utcOffset: 0,
    }),
    zone: schedule.split(';')[1] ?? 'UTC',
    isInterval: values.slice(0, 3).some((each) => each.some((value, index) => value + 1 === each[index + 1])),
  };
}

/**
 * By the rules of the host (CronSchedule.cs of azure-webjobs-sdk-extensions): a time that the clock leaves out comes later by
 * what is left out; of a time that comes twice an interval fires at both, a point in time at the first alone.
 */
function nextFiring(clock: ScheduleClock, after: number): number | undefined {
  const wall = clock.cron.nextRun(wallAt(clock, after));
  if (!wall) return undefined;
  const next = instantOf(clock, wall);
  const isTwice = comesTwice(clock, wall);
  if (!isTwice && !comesTwice(clock, wallAt(clock, after))) return next;
  const change = offsetAt(clock, next) - offsetAt(clock, after);
  if (change !== 0 && (clock.isInterval || isTwice)) return next + change;
  if (clock.isInterval || !isTwice) return next;
  let later: Date | null = wall;
  while (later && comesTwice(clock, later)) later = clock.cron.nextRun(later);
  return later ? instantOf(clock, later) : undefined;
}

/** A time on the clock is a date whose UTC shows it. */
const wallAt = (clock: ScheduleClock, instant: number) => new Date(instant + offsetAt(clock, instant));

function offsetAt({ zone }: ScheduleClock, instant: number): number {
  if (zone === 'UTC') return 0;
  return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone).offsetNanoseconds / 1e6;
}

/** The second of two instants; of a time that is left out, that by the offset before. */
const instantOf = (clock: ScheduleClock, wall: Date) => instantBy(clock, wall, 'later');
const comesTwice = (clock: ScheduleClock, wall: Date) => {
  const [earlier, later] = (['earlier', 'later'] as const).map((which) => instantBy(clock, wall, which));
  return earlier !== later && wallAt(clock, earlier ?? 0).getTime() === wall.getTime();
};

function instantBy({ zone }: ScheduleClock, wall: Date, disambiguation: 'earlier' | 'later'): number {
  if (zone === 'UTC') return wall.getTime();
  const time = Temporal.PlainDateTime.from(wall.toISOString().slice(0, -1));
  return time.toZonedDateTime(zone, { disambiguation }).epochMilliseconds;
}
