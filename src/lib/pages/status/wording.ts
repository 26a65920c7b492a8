import { humanDuration, parseDuration } from '../../durations.ts';

/** Times in the words of the status page, all of them UTC. */

/** `2026-11-24 07:22 UTC`; a text that is not a time stays as it is. */
export function timeText(iso: string): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? iso : `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `2026-11-24`; a text that is not a time stays as it is. */
export function dateText(iso: string): string {
  return timeText(iso).replace(/ \d\d:\d\d UTC$/, '');
}

/** `12 min ago`, `in 3 h`, `now`, as seen at `now`. */
export function fromNow(iso: string, now: Date): string {
  const ms = Date.parse(iso) - now.getTime();
  if (Number.isNaN(ms)) return '';
  if (Math.abs(ms) < 1_000) return 'now';
  return ms < 0 ? `${humanDuration(-ms)} ago` : `in ${humanDuration(ms)}`;
}

/** An ISO 8601 duration for people: `273 d 4 h`. */
export function durationText(iso: string): string {
  const ms = parseDuration(iso);
  return ms === undefined ? iso : humanDuration(ms);
}
