import { Temporal } from 'temporal-polyfill';
import type { Instant } from './instants.ts';

/** Values in the forms that .NET takes: what it refuses is undefined. */

const hex = '[0-9a-fA-F]';
/** A group of a GUID with dashes may begin with `+` or `0x` (Guid.TryParseExactD), as long as it has its length. */
const group = (length: number) => `((?=.{${length}}(?:[-)}]|$))\\+?(?:0[xX])?${hex}+)`;
const dashed = `${group(8)}-${group(4)}-${group(4)}-${group(4)}-${group(12)}`;
const dashedForms = [`^${dashed}$`, `^\\{${dashed}\\}$`, `^\\(${dashed}\\)$`].map((form) => new RegExp(form));
const plainForm = new RegExp(`^(${hex}{8})(${hex}{4})(${hex}{4})(${hex}{4})(${hex}{12})$`);
const byte = `0[xX](${hex}+)`;
const hexForm = new RegExp(`^\\{${byte},${byte},${byte},\\{${Array(8).fill(byte).join(',')}\\}\\}$`);

/** A GUID in any of the five forms of `Guid.Parse`, as 8-4-4-4-12 digits in lower case. */
export function parseGuid(text: string): string | undefined {
  const trimmed = text.trim();
  const digits = plainForm.exec(trimmed) ?? dashedForms.map((form) => form.exec(trimmed)).find(Boolean);
  if (digits) {
    const [a, b, c, d, e] = digits.slice(1).map((part) => part.replace(/^\+?(0[xX])?/, ''));
    return [padded(a, 8), padded(b, 4), padded(c, 4), padded(d, 4), padded(e, 12)].join('-').toLowerCase();
  }
  const parts = hexForm.exec(trimmed.replaceAll(/\s/g, ''))?.slice(1);
  if (!parts) return undefined;
  const sizes = [8, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2];
  const values = parts.map((part, index) => padded(part.replace(/^0+(?=.)/, ''), sizes[index] ?? 2));
  if (values.some((value, index) => value.length > (sizes[index] ?? 2))) return undefined;
  const [a, b, c, ...bytes] = values;
  return `${a}-${b}-${c}-${bytes.slice(0, 2).join('')}-${bytes.slice(2).join('')}`.toLowerCase();
}

function padded(digits: string | undefined, length: number): string {
  return (digits ?? '').padStart(length, '0');
}

const [year, month, day] = ['(?<year>\\d{4})', '(?<month>\\d\\d)', '(?<day>\\d\\d)'];
const time = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)(?:\\.(?<fraction>\\d+))?';
const dateForms = [
  `${year}-${month}-${day}T${time}`,
  `${year}-${month}-${day}`,
  `${year}-${month}`,
  year,
  `--${month}-${day}`,
  `--${month}(?:--)?`,
  `---${day}`,
].map((form) => new RegExp(`^${form}(?<zone>[Zz]|[+-]\\d\\d:\\d\\d)?$`));
/** The year of a month with a day, since it has a 29 February (XsdDateTime). */
const leapYear = '1904';

/** What a DateTimeOffset can hold, in units of 100 ns from 1970 on. */
const firstTick = -621_355_968_000_000_000n;
const lastTick = 2_534_023_007_999_999_999n;

/**
 * An instant in a form that `XmlConvert.ToDateTimeOffset` takes. One without a zone is in the local time of whoever reads
 * it: taken as UTC here, as on servers (`hasZone` tells).
 */
export function parseXsdDate(text: string): { instant: Instant; hasZone: boolean } | undefined {
  const parts = partsOf(text.trim());
  if (!parts) return undefined;
  const { year, month, day, hour, minute, second, fraction, zone } = parts;
  const isOfDay = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  const offset = zoneMinutes(zone);
  if (!isOfDay || !isDay(Number(year), Number(month), Number(day)) || offset === undefined) return undefined;
  const midnight = new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const seconds = midnight / 1000 + Number(hour) * 3600 + (Number(minute) - offset) * 60 + Number(second);
  const ticks = BigInt(seconds) * 10_000_000n + BigInt(ticksOf(fraction));
  if (ticks < firstTick || ticks > lastTick) return undefined;
  return { instant: Temporal.Instant.fromEpochNanoseconds(ticks * 100n), hasZone: zone !== undefined };
}

function isDay(year: number, month: number, day: number): boolean {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return year > 0 && day > 0 && day <= days;
}

function partsOf(text: string) {
  const found = dateForms.map((form) => form.exec(text)?.groups).find(Boolean);
  if (!found) return undefined;
  const { month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = '', zone } = found;
  // A month or a day alone is of the present year, by the clock of the machine, as to .NET.
  const { year = found.month && found.day ? leapYear : String(new Date().getFullYear()) } = found;
  return { year, month, day, hour, minute, second, fraction, zone };
}

/** Ticks have 100 ns: seven digits, rounded half to even by those that follow. */
function ticksOf(fraction: string): number {
  const ticks = Number(fraction.slice(0, 7).padEnd(7, '0'));
  const rest = fraction.slice(7);
  if (!rest) return ticks;
  const half = /^50*$/.test(rest);
  return ticks + (half ? ticks & 1 : rest >= '5' ? 1 : 0);
}

/** East of UTC. An offset goes to 14 hours; undefined beyond. */
function zoneMinutes(zone: string | undefined): number | undefined {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  if (minutes > 14 * 60) return undefined;
  return zone.startsWith('-') ? -minutes : minutes;
}
