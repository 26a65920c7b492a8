import type { Node } from 'web-tree-sitter';
import type { Place } from './syntax.ts';

/** What an expression is, as far as it can be known without running it. */
export type Known =
  | string
  | number
  | boolean
  | null
  /** `TimeSpan`, in milliseconds; Infinity for `TimeSpan.MaxValue`. */
  | { kind: 'duration'; ms: number }
  /** A date that stands in the source, in milliseconds of the epoch. */
  | { kind: 'instant'; at: number }
  /** A date that is reckoned when the line runs: `DateTimeOffset.UtcNow.AddDays(1)`. */
  | { kind: 'fromNow'; ms: number }
  | { kind: 'list'; items: Value[] }
  /** `new T { … }`, by the names of its properties. */
  | { kind: 'object'; type: string; properties: Map<string, Value>; args: Value[] }
  /** A lambda or a method of the app. */
  | { kind: 'function'; node: Node; file: string }
  /** `configuration.GetSection("…")` */
  | { kind: 'section'; key: string };

export type Value = { known: Known; place: Place } | { unknown: 'runTime' | 'outside'; place: Place };

export const isKnown = (value: Value | undefined): value is Extract<Value, { known: Known }> =>
  value !== undefined && 'known' in value;

/** `null`, or a `default`. */
export const isNull = (value: Value | undefined) => isKnown(value) && value.known === null;

type Composite = Extract<Known, { kind: string }>;

/** The value, where it is known and of this kind. */
export function knownAs<K extends Composite['kind']>(value: Value | undefined, kind: K) {
  const is = (known: Known): known is Extract<Composite, { kind: K }> =>
    known !== null && typeof known === 'object' && known.kind === kind;
  return isKnown(value) && is(value.known) ? value.known : undefined;
}

/** The value as `T`, where it is known and of this kind. */
export const knownText = (value: Value | undefined) =>
  isKnown(value) && typeof value.known === 'string' ? value.known : undefined;

export function knownNumber(value: Value | undefined): number | undefined {
  if (!isKnown(value)) return undefined;
  if (typeof value.known === 'number') return value.known;
  return typeof value.known === 'string' && /^-?\d+(\.\d+)?$/.test(value.known) ? Number(value.known) : undefined;
}

export function knownFlag(value: Value | undefined): boolean | undefined {
  if (!isKnown(value)) return undefined;
  if (typeof value.known === 'boolean') return value.known;
  return typeof value.known === 'string' && /^(true|false)$/i.test(value.known)
    ? /^true$/i.test(value.known)
    : undefined;
}

/** Milliseconds of a `TimeSpan`, also of one that stands in appsettings as text. */
export function knownDuration(value: Value | undefined): number | undefined {
  if (!isKnown(value)) return undefined;
  if (typeof value.known === 'string') return durationOfText(value.known);
  return knownAs(value, 'duration')?.ms;
}

/** `TimeSpan.Parse`: `d`, `hh:mm`, `[d.]hh:mm:ss[.fffffff]`. */
export function durationOfText(text: string): number | undefined {
  const found = /^(-)?(?:(\d+)|(?:(\d+)\.)?(\d+):(\d+)(?::(\d+(?:\.\d+)?))?)$/.exec(text.trim());
  if (!found) return undefined;
  const [, sign, alone, days, hours, minutes, seconds] = found;
  const ms =
    Number(alone ?? days ?? 0) * 86_400_000 +
    Number(hours ?? 0) * 3_600_000 +
    Number(minutes ?? 0) * 60_000 +
    Number(seconds ?? 0) * 1_000;
  return sign ? -ms : ms;
}
