import { newestLook } from '../../findings/judgeKeyRing.ts';
import type { KeyRingRecords } from '../../findings/subjectRecords.ts';
import type { KeyReport, RingStatus } from '../../keyRing/jobs/ringStatus.ts';
import { dateText, fromNow } from './wording.ts';

/** Keys that the timeline shows, those activated latest. */
const shownKeys = 10;

export type RingView = ReturnType<typeof ringView>;

/** A key ring as the page shows it. */
export function ringView(records: KeyRingRecords, now: Date) {
  const { name } = records;
  const ring = newestLook(records)?.status;
  // No run has read the ring yet.
  if (!ring) return { name, at: null, from: '', to: '', now: 0, keys: [], olderKeys: 0, events: [] };
  const newest = [...ring.keys].sort((a, b) => b.activated.localeCompare(a.activated));
  const shown = newest.slice(0, shownKeys);
  const times = shown
    .flatMap(({ created, activated, expires }) => [created, activated, expires])
    .map((time) => Date.parse(time))
    .concat(now.getTime())
    .filter((time) => !Number.isNaN(time));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const position = (time: string) => {
    const ms = Date.parse(time);
    return Number.isNaN(ms) || to === from ? 0 : Math.min(1, Math.max(0, (ms - from) / (to - from)));
  };
  return {
    name,
    at: ring.at,
    // The ends of the timeline, and where the time of the reading lies between them, 0 to 1.
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    now: position(now.toISOString()),
    keys: shown.map((key) => keyView(key, position)),
    // All of them expired or revoked.
    olderKeys: newest.length - shown.length,
    events: nextEvents(ring, now).map((event) => ({ ...event, when: fromNow(event.at, now) })),
  };
}

function keyView(key: KeyReport, position: (time: string) => number) {
  const { id, state, created, activated, expires, revoked, protection, protectorVersion, madeBy } = key;
  const protector = protectorVersion === null ? protection : `${protection} ${protectorVersion}`;
  const end = revoked !== null && revoked < expires ? revoked : expires;
  return {
    shortId: shortened(id),
    state,
    // Published, in use, at its end (expired or revoked).
    span: { creation: position(created), activation: position(activated), end: position(end) },
    text: `created ${dateText(created)} by ${madeBy}, active from ${dateText(activated)}, ${endText(key)}; protection: ${protector}`,
  };
}

function endText({ state, revoked, expires }: KeyReport): string {
  if (revoked !== null) return `revoked ${dateText(revoked)}`;
  return state === 'revoked' ? 'revoked' : `expires ${dateText(expires)}`;
}

function nextEvents({ keys, mode, nextActionAt }: RingStatus, now: Date): { at: string; what: string }[] {
  const lives = keys
    .filter(({ state }) => state === 'default' || state === 'next' || state === 'active')
    .flatMap(({ id, state, activated, expires }) => [
      { at: activated, what: `Key ${shortened(id)} becomes active: apps protect with it from then on.` },
      ...(state === 'active'
        ? []
        : [{ at: expires, what: `Key ${shortened(id)} expires: it still reads what it has protected.` }]),
    ])
    .filter(({ at }) => Date.parse(at) > now.getTime());
  const work =
    mode === 'manage'
      ? 'The successor is due: the next run publishes it.'
      : 'A successor is due. The ring is only observed: the apps, or somebody, must publish it.';
  return [...lives, { at: nextActionAt, what: work }].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function shortened(id: string): string {
  return id.slice(0, 8);
}
