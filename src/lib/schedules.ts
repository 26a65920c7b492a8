import { Cron, type CronOptions } from 'croner';

/**
 * Schedules as the Functions host reads them, by NCrontab: six fields (second minute hour day month weekday), all of which must
 * fit. Behind them may stand the time zone whose clock they go by, where that is not UTC: `0 0 3 * * * Europe/Berlin`.
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
  const parts = text.split(' ').filter((part) => part !== '');
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
  return zone === 'UTC' ? schedule : `${schedule} ${zone}`;
}

/** The six fields alone, as the host takes them. */
export function expressionOf(schedule: string): string {
  return schedule
    .split(' ')
    .filter((part) => part !== '')
    .slice(0, fields.length)
    .join(' ');
}

/** When a schedule fires. What NCrontab reads is spelled out, since croner reads fields otherwise. */
export function cronOf(schedule: string, options: CronOptions = {}): Cron {
  const zone = schedule.split(' ').filter((part) => part !== '')[fields.length] ?? 'UTC';
  const values = readSchedule(expressionOf(schedule)) ?? [];
  const pattern = values.map((each) => each.join(',')).join(' ');
  return new Cron(pattern, { paused: true, ...options, mode: '6-part', domAndDow: true, timezone: zone });
}
