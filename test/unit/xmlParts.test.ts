/** A large ring is read child by child: nothing differs from its being read whole. */
import { describe, expect, it } from 'vitest';
import { parseParts, type SealedXml, sealedPart, XmlFormError } from '../../src/lib/keyRing/reading/xml.ts';
import { decodeXml } from '../../src/lib/keyRing/reading/xmlText.ts';
import { mutatedRing } from '../support/mutatedRing.ts';

const now = Date.parse('2026-11-24T07:13:30Z');

function read(text: string, wholeUpTo: number) {
  try {
    const { root, children } = parseParts(text, wholeUpTo);
    const { qualifiedName, name, namespace, start, end } = root;
    const parts = children.map((child): [string, SealedXml['scope']] => {
      const part = sealedPart(text, child);
      return [part.reveal(), part.scope];
    });
    return { root: { qualifiedName, name, namespace, start, end, scope: root.scope }, parts };
  } catch (error) {
    if (error instanceof XmlFormError) return error.message;
    throw error;
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decodeXml(bytes).text;
  } catch (error) {
    if (error instanceof XmlFormError) return undefined;
    throw error;
  }
}

describe('a ring that is read child by child', () => {
  it('is the one that is read whole, or has the same fault', () => {
    const outcomes = { read: 0, refused: 0 };
    for (let index = 0; index < 1_000; index++) {
      const text = textOf(mutatedRing(7, index, now).blob);
      if (text === undefined) continue;
      const whole = read(text, Number.POSITIVE_INFINITY);
      expect(read(text, 0)).toEqual(whole);
      outcomes[typeof whole === 'string' ? 'refused' : 'read'] += 1;
    }
    expect(outcomes.read).toBeGreaterThan(500);
    expect(outcomes.refused).toBeGreaterThan(25);
  });

  it.each([
    '<r/>',
    '<r><a/><b></b></r>',
    '<r>&am<a/>p;</r>',
    '<r>]]<a/>></r>',
    '<r><!-- <a> --><a b="/>"><![CDATA[</a>]]></a></r>',
    '<r><a></r></a>',
    '<r><a><b></a></b></r>',
    '<r><a/>',
    '<r></r><a/>',
    '<r xmlns:p="urn:p"><p:a xmlns="urn:q"><b/></p:a><q:a/></r>',
    '<r><a b=">"/><?x <a> ?></r >',
    '<r><a',
    '<r><',
    'no markup',
  ])('agrees on %s', (text) => {
    expect(read(text, 0)).toEqual(read(text, Number.POSITIVE_INFINITY));
  });
});
