import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readKeyRing } from '../../src/lib/keyRing/reading/readKeyRing.ts';
import { RingDocument } from '../../src/lib/keyRing/reading/ringDocument.ts';
import { headerOf, keyIdOf } from '../../src/lib/payloadHeader.ts';
import { root } from '../support/childProcess.ts';
import { ringOf } from '../support/ringBuilder.ts';

const fixtures = join(root, 'test/fixtures/key-ring');
const documentOf = (text: string) => RingDocument.parse(Buffer.from(text));
const ringIn = (path: string) => {
  const { elements } = RingDocument.parse(readFileSync(join(fixtures, path)));
  return readKeyRing({ exists: true, elements, damage: [], storeTime: undefined });
};

describe('the rings of ASP.NET Core', () => {
  it('are read with keys, times to the last digit, and revocations', () => {
    const { keys, revocations, foreign, damage } = ringIn('plain/keys.xml');
    expect(keys.map(({ id, creation }) => [id, `${creation}`])).toEqual([
      ['31563db5-685e-482c-8186-2862867b440e', '2026-11-23T22:30:50.137914Z'],
      ['a42b75d9-c023-4457-9fc3-9e9a0f8c466c', '2026-11-13T22:30:50.2584454Z'],
      ['ed53eb14-58c3-4641-9c68-145649258116', '2026-05-07T22:30:50.2494833Z'],
    ]);
    expect(revocations.map(({ key }) => key)).toEqual(['*', 'a42b75d9-c023-4457-9fc3-9e9a0f8c466c']);
    expect([foreign, damage]).toEqual([[], []]);
    expect(keys.every(({ protection }) => protection.kind === 'none')).toBe(true);
  });

  it('name the certificate that protects them', () => {
    const { keys } = ringIn('certificate/keys.xml');
    expect(keys.map(({ protection }) => ('thumbprint' in protection ? protection.thumbprint : ''))).toEqual(
      Array.from({ length: 3 }, () => 'E0F7AF3DC3747821CD860729DFF5B06300D0663E'),
    );
  });

  it('show no key material however they are looked at', () => {
    const ring = ringIn('plain/keys.xml');
    const secret = 'M3wZt4xFzfCrhbMK6w0YULdnLdiI8fBSi7yTnz';
    expect(readFileSync(join(fixtures, 'plain/keys.xml'), 'utf8')).toContain(secret);
    for (const shown of [JSON.stringify(ring), inspect(ring, { depth: 20, showHidden: true })])
      expect(shown).not.toContain(secret);
  });

  it('are named by the entries that they protect', () => {
    for (const kind of ['plain', 'certificate']) {
      const entry = JSON.stringify(JSON.parse(readFileSync(join(fixtures, kind, 'msal-entry-encrypted.json'), 'utf8')));
      const payload = /"(CfDJ8[A-Za-z0-9+/=_-]+)"|([A-Za-z0-9+/=]{100,})/.exec(entry)?.[0].replaceAll('"', '') ?? '';
      const known = ringIn(`${kind}/keys.xml`).keys.map(({ id }) => id);
      expect(known).toContain(keyIdOf(Buffer.from(payload, 'base64')));
    }
    expect(headerOf('bb38a4bf-3794-491f-943c-000102030405')).toBe('09f0c9f0bfa438bb94371f49943c000102030405');
    expect(keyIdOf(Buffer.from('{"AccessToken":{}, "more": 1}'))).toBeUndefined();
    expect(keyIdOf(Buffer.from('09f0c9f0', 'hex'))).toBeUndefined();
  });
});

describe('a document', () => {
  const none = { add: [], replace: [], remove: [] };

  it('keeps every byte that is not changed', () => {
    const piece = fc.constantFrom(
      '<a/>',
      '\r\n\t',
      '<!-- <b> -->',
      '<b x=\'1\' y="&lt;𝒳">é<c/>&#x41;</b>',
      '<![CDATA[<]]>',
      '<?pi x?>',
      'text',
      '𝄞',
    );
    fc.assert(
      fc.property(fc.array(piece), fc.boolean(), (pieces, mark) => {
        const text = `${mark ? '\uFEFF' : ''}<?xml version="1.0"?>\r\n<root q = '>'>${pieces.join('')}</root>\r\n<!-- </root> -->`;
        const document = documentOf(text);
        expect(Buffer.from(document.changed(none)).toString()).toBe(text);
        expect(document.elements).toHaveLength(pieces.filter((one) => /^<[ab]/.test(one)).length);
        const remove = document.elements.filter((_, index) => index % 2 === 0);
        const left = documentOf(Buffer.from(document.changed({ ...none, remove })).toString());
        expect(left.elements.map(({ xml }) => xml.reveal())).toEqual(
          document.elements.filter((_, index) => index % 2 === 1).map(({ xml }) => xml.reveal()),
        );
      }),
    );
  });

  it.each([
    '<!DOCTYPE a><a/>',
    '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
    '<a>&e;</a>',
    '<a>',
    '<a/><b/>',
    'text',
    '<a b="1" b="2"/>',
  ])('refuses %s', (text) => {
    expect(() => documentOf(text)).toThrow(/well-formed|DOCTYPE/);
  });

  it('says where it is damaged without quoting it', () => {
    expect(() => documentOf('<r>\n<value>c2VjcmV0</value>\n<oops')).toThrow(
      /^is not well-formed XML \(line 3, column \d+\)$/,
    );
  });
});

describe('keys that .NET passes over or stumbles over', () => {
  it.each([
    '<key version="1"/>',
    '<key id="x"><creationDate>2026-01-01T00:00:00Z</creationDate></key>',
    '<key id="00000001-0000-4000-8000-000000000000"><creationDate>yesterday</creationDate><activationDate/><expirationDate/><descriptor deserializerType="x"/></key>',
  ])('%s is kept aside', (xml) => {
    expect(ringOf([xml])).toMatchObject({ keys: [], foreign: [{ name: 'key' }], damage: [] });
  });

  it.each([
    '<revocation/>',
    '<revocation><key id="x"/></revocation>',
    '<revocation><key id="*"/></revocation>',
    '<revocation><revocationDate>never</revocationDate><key id="*"/></revocation>',
  ])('%s takes consumers down', (xml) => {
    expect(ringOf([xml]).damage).toMatchObject([{ kind: 'unreadableRevocation' }]);
  });
});
