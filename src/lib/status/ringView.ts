import type { Finding } from './finding.ts';
import { dateText, fromNow } from './wording.ts';

export type RingKeyState = 'default' | 'next' | 'active' | 'expired' | 'revoked' | 'unreadable';

/** A key ring as its job reports it. No element, no secret: names, times and states alone. */
export interface RingStatus {
  name: string;
  /** When it was read, ISO 8601. */
  at: string;
  keys: readonly RingKeyStatus[];
  /** When the job has something to do next, and what; null where nothing is planned. */
  nextWork: { at: string; what: string } | null;
  findings: readonly Omit<Finding, 'subject'>[];
}

export interface RingKeyStatus {
  id: string;
  state: RingKeyState;
  creation: string;
  activation: string;
  expiration: string;
  revokedAt: string | null;
  /** What protects it, in words: a Key Vault key version, a certificate, nothing. */
  protector: string;
}

export interface RingView {
  name: string;
  at: string;
  /** The ends of the timeline. */
  from: string;
  to: string;
  /** Where the time of the reading lies between them, 0 to 1. */
  now: number;
  keys: RingKeyView[];
  /** Keys that are not shown, all of them expired or revoked. */
  olderKeys: number;
  /** What happens next, the soonest first. */
  events: { at: string; when: string; what: string }[];
}

export interface RingKeyView extends RingKeyStatus {
  /** The beginning of the id. */
  shortId: string;
  /** 0 to 1: published, in use, at its end (expired or revoked). */
  span: { creation: number; activation: number; end: number };
  text: string;
}

/** Keys that the timeline shows, the newest activated of them. */
const shownKeys = 10;

export function ringView(ring: RingStatus): RingView {
  const newest = [...ring.keys].sort((a, b) => b.activation.localeCompare(a.activation));
  const shown = newest.slice(0, shownKeys);
  const now = new Date(ring.at);
  const times = shown
    .flatMap(({ creation, activation, expiration }) => [creation, activation, expiration])
    .map((time) => Date.parse(time))
    .concat(now.getTime())
    .filter((time) => !Number.isNaN(time));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const position = (time: string) => {
    const ms = Date.parse(time);
    return Number.isNaN(ms) || to === from ? 0 : Math.min(1, Math.max(0, (ms - from) / (to - from)));
  };
  return {
    name: ring.name,
    at: ring.at,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    now: position(ring.at),
    keys: shown.map((key) => keyView(key, position)),
    olderKeys: newest.length - shown.length,
    events: nextEvents(ring, now).map((event) => ({ ...event, when: fromNow(event.at, now) })),
  };
}

/** The findings of the ring, as its job judged them. */
export function ringFindings({ name, findings }: RingStatus): Finding[] {
  return findings.map((finding) => ({ ...finding, subject: `Key ring ${name}` }));
}

function keyView(key: RingKeyStatus, position: (time: string) => number): RingKeyView {
  const { creation, activation, expiration, revokedAt, protector } = key;
  const end = revokedAt !== null && revokedAt < expiration ? revokedAt : expiration;
  const ends = revokedAt === null ? `expires ${dateText(expiration)}` : `revoked ${dateText(revokedAt)}`;
  return {
    ...key,
    shortId: key.id.slice(0, 8),
    span: { creation: position(creation), activation: position(activation), end: position(end) },
    text: `created ${dateText(creation)}, active from ${dateText(activation)}, ${ends}; protected by ${protector}`,
  };
}

function nextEvents({ keys, nextWork }: RingStatus, now: Date): { at: string; what: string }[] {
  const lifetimes = keys
    .filter(({ state }) => state === 'default' || state === 'next' || state === 'active')
    .flatMap(({ id, state, activation, expiration }) => [
      { at: activation, what: `Key ${id.slice(0, 8)} becomes active: apps protect with it from then on.` },
      ...(state === 'active'
        ? []
        : [{ at: expiration, what: `Key ${id.slice(0, 8)} expires: it still reads what it has protected.` }]),
    ]);
  return [...lifetimes, ...(nextWork ? [nextWork] : [])]
    .filter(({ at }) => Date.parse(at) > now.getTime())
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
