/** The demonstration's entries are protected as .NET protects them: what .NET made is made anew, byte for byte. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { protect } from '../../dev/dataProtection.ts';

const folder = new URL('../fixtures/key-ring/plain/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');
const secrets = new Map(
  [...read('keys.xml').matchAll(/<key id="([^"]+)"[\s\S]*?<value>([^<]+)<\/value>/g)].map(([, id = '', value = '']) => [
    id,
    Buffer.from(value, 'base64'),
  ]),
);

/** Protects the text with the key, modifier and initialisation vector of the payload. */
function again(payload: Buffer, purposes: string[], text: string): Buffer {
  const hex = payload.subarray(4, 20).toString('hex');
  const id = [...secrets.keys()].find((key) => key.endsWith(`${hex.slice(16, 20)}-${hex.slice(20)}`)) ?? '';
  const taken = [payload.subarray(20, 36), payload.subarray(36, 52)];
  const masterKey = secrets.get(id) ?? Buffer.alloc(0);
  return protect({ id, masterKey }, purposes, Buffer.from(text), () => taken.shift() ?? Buffer.alloc(0));
}

describe('protect', () => {
  it('makes the payload that .NET made of the same text, with the same key and the same random bytes', () => {
    const payload = Buffer.from(read('payload-default-key.b64').trim(), 'base64url');
    expect(again(payload, ['token-cache-fixture', 'fixture'], 'hello token cache').equals(payload)).toBe(true);
  });

  it('makes something else for another purpose', () => {
    const payload = Buffer.from(read('payload-default-key.b64').trim(), 'base64url');
    expect(again(payload, ['token-cache-fixture', 'other'], 'hello token cache').equals(payload)).toBe(false);
  });
});
