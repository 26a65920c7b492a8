/** Which keys of a database are a cache's, by their names. */

/** A glob that matches what begins with `prefix`, whatever characters that has (util.c, stringmatchlen). */
export function globOf(prefix: Buffer): Buffer {
  const escaped = [...prefix].flatMap((byte) => (special.has(byte) ? [backslash, byte] : [byte]));
  return Buffer.from([...escaped, '*'.charCodeAt(0)]);
}

const backslash = '\\'.charCodeAt(0);
const special = new Set([...'*?[]\\^-'].map((character) => character.charCodeAt(0)));

/**
 * Tells the keys of a cache from all others: the server's match is not relied on. A Data Protection ring, and the copies
 * that this tool keeps of it, are never a cache's, though a prefix may cover their names.
 */
export function keyTest(prefix: Buffer, ringKeys: readonly string[]): (key: Buffer) => boolean {
  const rings = ringKeys.flatMap((name) => [Buffer.from(name), Buffer.from(`{${name}}`)]);
  const isRing = (key: Buffer) =>
    rings.some((ring) => {
      if (!beginsWith(key, ring)) return false;
      return key.length === ring.length || beginsWith(key.subarray(ring.length), copyMark);
    });
  return (key) => beginsWith(key, prefix) && !isRing(key);
}

const copyMark = Buffer.from(':backup:');

function beginsWith(key: Buffer, start: Buffer): boolean {
  return key.subarray(0, start.length).equals(start);
}
