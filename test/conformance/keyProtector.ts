import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyProtector } from '../../src/lib/keyRing/protectors/keyProtector.ts';
import { masterKeyXml } from '../../src/lib/keyRing/reading/ringXml.ts';
import { SealedXml } from '../../src/lib/keyRing/reading/xml.ts';

/** A protector as the suite needs it, made anew for each test. */
export interface ProtectorPlace {
  open(): KeyProtector;
  /** Brings a newer version or certificate, and a protector that has both. */
  renew(): Promise<KeyProtector>;
  remove(): Promise<void>;
}

/** What every protector that protects must do. */
export function protectorConformance(name: string, make: () => Promise<ProtectorPlace>): void {
  describe(`protection by ${name}`, () => {
    let place: ProtectorPlace;
    beforeEach(async () => {
      place = await make();
    });
    afterEach(() => place.remove());
    const bytes = randomBytes(64);
    const value = bytes.toString('base64');
    const secret = masterKeyXml(bytes);

    it('gives back what it protected, and shows nothing of it', async () => {
      const protector = place.open();
      const sealed = await protector.protect(secret, undefined);
      expect(sealed.reveal()).not.toContain(value);
      expect(sealed.reveal()).toContain('xmlns="http://schemas.asp.net/2015/03/dataProtection"');
      expect((await protector.unprotect(sealed)).reveal()).toBe(secret.reveal());
      for (const shown of [JSON.stringify(sealed), inspect(sealed), inspect(protector, { depth: 8, showHidden: true })])
        expect(shown).not.toMatch(/PRIVATE KEY|CipherValue|<key>/);
    });

    it('protects the same secret differently each time', async () => {
      const protector = place.open();
      const [one, two] = [await protector.protect(secret, undefined), await protector.protect(secret, undefined)];
      expect(one.reveal()).not.toBe(two.reveal());
    });

    it("copies the decryptor's type name, which the apps have", async () => {
      const sealed = await place.open().protect(secret, 'A.B, A, Version=1.2.3.4');
      expect(sealed.reveal()).toContain('decryptorType="A.B, A, Version=1.2.3.4"');
    });

    it('calls a damaged secret unreadable', async () => {
      const protector = place.open();
      const text = (await protector.protect(secret, undefined)).reveal();
      const last = [...text.matchAll(/[A-Za-z0-9+/]{60,}={0,2}/g)].at(-1)?.[0] ?? '';
      const damaged = [
        text.replace(last, randomBytes(128).toString('base64')),
        text.replace(last, 'AAAA'),
        // What wraps the content key: 256 bytes.
        text.replace(/>[A-Za-z0-9+/]{342}==</, `>${randomBytes(256).toString('base64')}<`),
        '<encryptedSecret><encryptedKey /></encryptedSecret>',
      ];
      for (const xml of damaged) {
        await expect(protector.unprotect(new SealedXml(xml))).rejects.toMatchObject({ code: 'key_unreadable' });
      }
    });

    it('moves a secret to the newest version without touching its value', async () => {
      const old = place.open();
      const sealed = await old.protect(secret, undefined);
      expect(await old.rewrap(sealed)).toBeUndefined();
      const renewed = await place.renew();
      const moved = await renewed.rewrap(sealed);
      if (!moved) throw new Error('not moved');
      expect((await renewed.unprotect(moved)).reveal()).toBe(secret.reveal());
      expect(await renewed.rewrap(moved)).toBeUndefined();
      const values = (xml: SealedXml) => xml.reveal().match(/[A-Za-z0-9+/=]{24,}/g) ?? [];
      expect(values(moved).at(-1)).toBe(values(sealed).at(-1));
      expect(moved.reveal()).not.toBe(sealed.reveal());
    });

    it('names the newest version first', async () => {
      const [before] = await place.open().versions();
      const renewed = await place.renew();
      const versions = await renewed.versions();
      expect(versions[0]?.id).toBe((await renewed.newest()).id);
      expect(versions.map(({ id }) => id)).toContain(before?.id);
      expect(versions[0]?.id).not.toBe(before?.id);
    });
  });
}
