import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyRingStore, RingChange } from '../../src/lib/keyRing/reading/keyRingStore.ts';
import { SealedXml } from '../../src/lib/keyRing/reading/xml.ts';
import { day, idFrom, plainKey, revocation } from '../support/ringBuilder.ts';

/** A place for rings as the suite needs it, beside the port: made anew for each test, and looked at by the test itself. */
export interface RingPlace {
  /** Another client of the same ring. */
  open(): KeyRingStore;
  /** Adds an element as an app would, past the port. */
  addByApp(id: string, xml: string): Promise<void>;
  /** The elements in the store, as text, in no order. */
  texts(): Promise<string[]>;
  remove(): Promise<void>;
}

const created = Date.parse('2026-05-01T00:00:00Z');
const [one, two, three] = [1, 2, 3].map((number) => {
  const id = idFrom(number);
  return { id, xml: plainKey({ id, creation: created + number * day }) };
}) as [Made, Made, Made];
interface Made {
  id: string;
  xml: string;
}
const none: RingChange = { add: [], replace: [], remove: [] };
const adding = (...keys: Made[]): RingChange => ({
  ...none,
  add: keys.map(({ id, xml }) => ({ name: `key-${id}`, xml: new SealedXml(xml) })),
});

/** What every store of key rings must do. */
export function storeConformance(name: string, make: () => Promise<RingPlace>): void {
  describe(`a key ring in ${name}`, () => {
    let place: RingPlace;
    let store: KeyRingStore;
    beforeEach(async () => {
      place = await make();
      store = place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.remove();
    });

    const contents = async () => (await store.read()).elements.map(({ xml }) => xml.reveal());
    const holds = (texts: string[], { xml }: Made) => texts.some((text) => text.includes(xml));

    it('is empty before anybody wrote', async () => {
      const ring = await store.read();
      expect(ring).toMatchObject({ exists: false, elements: [], damage: [] });
    });

    it('takes a first write, and a second one, and gives back what was written', async () => {
      expect(await store.write(await store.read(), adding(one))).toBe('written');
      expect(await store.write(await store.read(), adding(two, three))).toBe('written');
      const texts = await contents();
      expect(texts).toHaveLength(3);
      for (const key of [one, two, three]) expect(holds(texts, key)).toBe(true);
      expect((await store.read()).exists).toBe(true);
    });

    it('refuses a write on a reading that is no longer the newest, and changes nothing', async () => {
      const other = place.open();
      try {
        const old = await store.read();
        expect(await other.write(await other.read(), adding(one))).toBe('written');
        expect(await store.write(old, adding(two))).toBe('conflict');
        const texts = await contents();
        expect([holds(texts, one), holds(texts, two)]).toEqual([true, false]);
      } finally {
        await other.close();
      }
    });

    it('refuses a write when an app has written since', async () => {
      await store.write(await store.read(), adding(one));
      const old = await store.read();
      await place.addByApp(two.id, two.xml);
      expect(await store.write(old, adding(three))).toBe('conflict');
      const texts = await contents();
      expect([one, two, three].map((key) => holds(texts, key))).toEqual([true, true, false]);
    });

    it('lets one of two writers win that write at once', async () => {
      const other = place.open();
      try {
        await store.write(await store.read(), adding(one));
        const [mine, theirs] = [await store.read(), await other.read()];
        const outcomes = await Promise.all([store.write(mine, adding(two)), other.write(theirs, adding(three))]);
        expect([...outcomes].sort()).toEqual(['conflict', 'written']);
        expect(await contents()).toHaveLength(2);
      } finally {
        await other.close();
      }
    });

    it('replaces and removes elements, and leaves all others byte for byte', async () => {
      const foreign = `<mystery xmlns:q="urn:q" q:b='2'   a="&lt;1&#x41;&gt;">\t<![CDATA[ raw & <odd> ]]><é/></mystery>`;
      await store.write(await store.read(), adding(one, { id: 'mystery', xml: foreign }, two));
      const before = await store.read();
      const [first, last] = [one, two].map((key) => before.elements.find(({ xml }) => xml.reveal().includes(key.xml)));
      if (!first || !last) throw new Error('the keys are not there');
      const moved = revocation(created, one.id);
      const change = { add: [], replace: [{ element: first, xml: new SealedXml(moved) }], remove: [last] };
      expect(await store.write(before, change)).toBe('written');
      const texts = await place.texts();
      expect(texts.filter((text) => text.includes(foreign))).toHaveLength(1);
      expect(texts.filter((text) => text.includes(moved))).toHaveLength(1);
      expect((await store.read()).elements).toHaveLength(2);
    });

    it('keeps a copy where no consumer looks', async () => {
      await store.write(await store.read(), adding(one, two));
      const before = await place.texts();
      const where = await store.keepCopy(await store.read(), new Date(created));
      expect(where).toContain('20260501T000000000Z');
      expect(await place.texts()).toEqual(before);
      expect((await store.read()).elements).toHaveLength(2);
    });

    it('shows no key material where it is logged or serialised', async () => {
      await store.write(await store.read(), adding(one));
      const ring = await store.read();
      const secret = /<value>([^<]+)/.exec(one.xml)?.[1] ?? 'none';
      const { inspect } = await import('node:util');
      for (const shown of [JSON.stringify(ring), inspect(ring, { depth: 10 }), String(ring.elements[0]?.xml)]) {
        expect(shown).not.toContain(secret);
      }
    });
  });
}
