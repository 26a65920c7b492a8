import { findIana } from 'windows-iana';
import { z } from 'zod';
import { parseDuration } from '../durations.ts';
import { nameForm } from '../runs/runId.ts';
import { readSchedule } from '../schedules.ts';
import { withoutSecrets } from '../secret.ts';

/** Schemas of single settings: each turns a text of the environment into a typed value, or says what it expects. */

/** What `read` makes of the text; undefined is what the setting does not take. @param expects what to give in its place */
export function readBy<T>(read: (text: string) => T | undefined, expects: string) {
  return z.string().transform((text, context) => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expects });
    return z.NEVER;
  });
}

/** Milliseconds, from an ISO 8601 duration between the two given ones. */
export function duration(least: string, most: string) {
  const expects = `must be an ISO 8601 duration from ${least} to ${most}, such as ${least === 'PT0S' ? 'PT1M' : least}`;
  const [min, max] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  return readBy((text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= min && ms <= max ? ms : undefined;
  }, expects);
}

export function wholeNumber(least: number, most: number) {
  return number(least, most, /^\d+$/, 'a whole number');
}

export function decimal(least: number, most: number) {
  return number(least, most, /^\d+(\.\d+)?$/, 'a number');
}

function number(least: number, most: number, form: RegExp, kind: string) {
  return z
    .string()
    .refine(
      (text) => form.test(text) && Number(text) >= least && Number(text) <= most,
      `must be ${kind} from ${least} to ${most}`,
    )
    .transform(Number);
}

export const flag = z
  .string()
  .refine((text) => /^(true|false)$/i.test(text), 'must be true or false')
  .transform((text) => text.toLowerCase() === 'true');

/** An NCRONTAB expression, as the host takes it for a timer. */
export const schedule = z
  .string()
  .refine(
    (text) => readSchedule(text) !== undefined,
    'must be an NCRONTAB expression (second minute hour day month weekday, the second may be left out), such as 0 */30 * * * *: the host would refuse this one, and the timer never fire. It runs on its default',
  );

/** A time zone by its name in Windows or in the IANA database, as the latter has it. */
export const timeZone = readBy((text) => {
  const zone = findIana(text as Parameters<typeof findIana>[0])?.[0] ?? text;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}, 'must be a time zone, such as W. Europe Standard Time or Europe/Berlin');

/** Bytes, from a size as redis.conf writes it: `1073741824`, `512mb`, `6gb` (powers of 1024). */
export const bytes = readBy((text) => {
  const [, amount, unit] = /^(\d{1,15}(?:\.\d{1,3})?)\s*(b|kb|mb|gb|tb)?$/i.exec(text.trim()) ?? [];
  const power = ['b', 'kb', 'mb', 'gb', 'tb'].indexOf(unit?.toLowerCase() ?? 'b');
  const value = Math.round(Number(amount) * 1024 ** power);
  return value > 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}, 'must be a size, such as 6gb or 512mb');

/**
 * A field that names a setting. What has not the form of a name may be the secret itself, so it is not repeated.
 */
export const settingName = z
  .string({ error: 'must name a setting' })
  .regex(/^[A-Za-z_][\w.:-]{0,127}$/, 'must be the name of a setting: letters, digits, and any of _ . : -');

/**
 * A text that reports, pages or a printer may show: what looks like a login belongs into a setting of its own, by whose name it is
 * found.
 * @param expects said of what is not a text
 */
export const told = (expects?: string) => z.string(expects).refine(isTold, secretHeld);

export const isTold = (text: string) => {
  // Colons divide the words of a Redis key: `token:keys` is not a login.
  const words = text.replaceAll(/\b(token|secret|sig|signature):(?=\w)/gi, '');
  return withoutSecrets(words) === words;
};
export const secretHeld = 'holds what looks like a password';

/** Names of caches and rings: they stand in metrics, run ids and keys of the record store. */
export const name = z
  .string()
  .regex(nameForm, 'must begin with a lower-case letter and hold at most 40 of a-z, 0-9 and -');
