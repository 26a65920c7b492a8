/**
 * The rule by which consumers pick their default key, held against ASP.NET Core's own: random rings at random instants, most
 * of them close to where the answer changes. Where the two differ, ASP.NET Core is right.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultKey, fallbackKey, wouldMint } from '../../src/lib/keyRing/rule/defaultKey.ts';
import { buildConsumer, type Consumer, dotnetFound, dotnetTimeLimitMs } from '../support/dataProtection.ts';
import { day, idFrom, instant, plainKey, revocation, ringOf } from '../support/ringBuilder.ts';
import { ruleKeys } from '../support/ruleKeys.ts';

const base = Date.parse('2026-03-01T00:00:00Z');
const minute = 60_000;

/** Offsets at and beside the rule's limits: skew of 5 minutes, two days, a refresh, their sum. */
const offset = fc.oneof(
  fc.constantFrom(
    0,
    1,
    -1,
    5 * minute,
    5 * minute + 1,
    -5 * minute,
    2 * day,
    2 * day - 1,
    3 * day,
    3 * day + 1,
    -3 * day,
  ),
  fc.integer({ min: -5 * day, max: 5 * day }),
  fc.integer({ min: -120 * day, max: 120 * day }),
);

const randomRing = fc.record({
  keys: fc.uniqueArray(
    fc.record({
      number: fc.integer({ min: 0, max: 0xffff_ffff }),
      creation: offset,
      delay: fc.oneof(fc.constant(0), offset),
      life: fc.oneof(fc.constantFrom(90 * day, 3 * day, 0), offset),
      unreadable: fc.integer({ min: 0, max: 7 }),
      revoked: fc.integer({ min: 0, max: 7 }),
    }),
    { minLength: 0, maxLength: 6, selector: ({ number }) => number },
  ),
  revokeAllBefore: fc.option(offset, { freq: 5 }),
  now: offset,
});

const rings = fc.sample(randomRing, { numRuns: 800, seed: 20_261_124 }).map(({ keys, revokeAllBefore, now }) => {
  const unreadable = new Set<string>();
  const elements = keys.flatMap((key) => {
    const id = idFrom(key.number);
    const creation = base + key.creation;
    const activation = creation + key.delay;
    if (key.unreadable === 0) unreadable.add(id);
    const xml = plainKey({
      id,
      creation,
      activation,
      expiration: activation + key.life,
      readable: key.unreadable !== 0,
    });
    return key.revoked === 0 ? [xml, revocation(base, id)] : [xml];
  });
  if (revokeAllBefore !== null) elements.push(revocation(base + revokeAllBefore, '*'));
  return { elements, unreadable, now: new Date(base + now).toISOString() };
});

describe.skipIf(!dotnetFound)("ASP.NET Core's default key", () => {
  let consumer: Consumer;
  beforeAll(() => {
    consumer = buildConsumer();
  }, dotnetTimeLimitMs);
  afterAll(() => consumer?.remove());

  it('is the one we say, and an app mints one where we say so', () => {
    const answers = consumer.ask(
      rings.map(({ elements, now }) => ({ op: 'consume', elements, now, automaticGeneration: true })),
    );
    const verdicts = rings.map(({ elements, unreadable, now }, index) => {
      const keys = ruleKeys(ringOf(elements), unreadable);
      const ours = { minted: wouldMint(keys, instant(now)), key: defaultKey(keys, instant(now))?.id };
      const answer = answers[index];
      const theirs = { minted: (answer?.minted.length ?? 0) > 0, key: answer?.resolvedKeyId };
      return { index, now, ours, theirs };
    });
    expect(verdicts.filter(({ ours, theirs }) => JSON.stringify(ours) !== JSON.stringify(theirs))).toEqual([]);
    // The sample has all the cases in good number.
    expect(verdicts.filter(({ ours }) => ours.minted && ours.key).length).toBeGreaterThan(20);
    expect(verdicts.filter(({ ours }) => !ours.minted).length).toBeGreaterThan(30);
    expect(verdicts.filter(({ ours }) => !ours.key).length).toBeGreaterThan(100);
  });

  it('without automatic generation is the default, or the fallback we say, or none', () => {
    const answers = consumer.ask(
      rings.map(({ elements, now }) => ({ op: 'consume', elements, now, automaticGeneration: false })),
    );
    const verdicts = rings.map(({ elements, unreadable, now }, index) => {
      const keys = ruleKeys(ringOf(elements), unreadable);
      const ours = (defaultKey(keys, instant(now)) ?? fallbackKey(keys, instant(now)))?.id;
      return { index, now, ours, theirs: answers[index]?.defaultKeyId };
    });
    expect(verdicts.filter(({ ours, theirs }) => ours !== theirs)).toEqual([]);
    expect(answers.filter(({ error }) => error).length).toBeGreaterThan(20);
    expect(answers.flatMap(({ minted }) => minted)).toEqual([]);
  });
});
