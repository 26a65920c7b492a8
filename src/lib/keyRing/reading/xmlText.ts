import { byName } from '../../byName.ts';
import { XmlFormError } from './xml.ts';

/** The text of an XML file or blob, and the way back to its bytes. */
export interface XmlText {
  text: string;
  encode(text: string): Uint8Array;
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1' | 'ascii';

const marks: [Encoding, readonly number[]][] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/** Names of one byte for a character that .NET knows without a further package (EncodingTable); none of windows-1252. */
const singleByte = byName<Encoding>({
  'iso-8859-1': 'latin1',
  'iso8859-1': 'latin1',
  iso_8859_1: 'latin1',
  latin1: 'latin1',
  l1: 'latin1',
  cp819: 'latin1',
  ibm819: 'latin1',
  'us-ascii': 'ascii',
  ascii: 'ascii',
  us: 'ascii',
});

/**
 * Decodes as .NET's XmlReader does a stream: by the byte order mark or the first bytes, then by the declaration.
 * @throws XmlFormError where it would throw, with the cause
 */
export function decodeXml(bytes: Uint8Array): XmlText {
  const marked = marks.find(([, mark]) => mark.every((byte, index) => bytes[index] === byte));
  const mark = marked?.[1] ?? [];
  const found = marked?.[0] ?? wideWithoutMark(bytes) ?? 'utf-8';
  const body = bytes.subarray(mark.length);
  const encoding = declaredEncoding(found, declarationIn(body, found));
  return {
    text: decode(body, encoding),
    encode: (text) => Buffer.concat([Buffer.from(mark), encode(text, encoding)]),
  };
}

function wideWithoutMark([first, second]: Uint8Array): Encoding | undefined {
  if (first === 0x3c && second === 0) return 'utf-16le';
  return first === 0 && second === 0x3c ? 'utf-16be' : undefined;
}

/** The encoding that the declaration names, in lower case. */
function declarationIn(body: Uint8Array, found: Encoding): string | undefined {
  const head = Buffer.from(body.subarray(0, 400));
  const text =
    found === 'utf-16be'
      ? head
          .subarray(0, head.length & ~1)
          .swap16()
          .toString('utf16le')
      : undefined;
  const start = text ?? head.toString(found === 'utf-16le' ? 'utf16le' : 'latin1');
  return /^<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"']*)["']/.exec(start)?.[1]?.toLowerCase();
}

function declaredEncoding(found: Encoding, declared: string | undefined): Encoding {
  const isWide = found.startsWith('utf-16');
  if (declared === undefined) return found;
  if (['utf-16', 'ucs-2', 'iso-10646-ucs-2', 'utf-16le', 'utf-16be', 'unicode'].includes(declared)) {
    if (isWide) return found;
    throw new XmlFormError(`declares the encoding ${declared.toUpperCase()}, and is not in it`);
  }
  const named = declared === 'utf-8' ? 'utf-8' : singleByte[declared];
  if (!named) throw new XmlFormError('declares an encoding that .NET does not know, such as windows-1252');
  if (isWide) throw new XmlFormError(`declares the encoding ${declared.toUpperCase()}, and is in UTF-16`);
  return named;
}

function decode(bytes: Uint8Array, encoding: Encoding): string {
  if (encoding === 'latin1') return Buffer.from(bytes).toString('latin1');
  if (encoding === 'ascii')
    return Buffer.from(bytes)
      .toString('latin1')
      .replaceAll(/[\x80-\xff]/g, '\ufffd');
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new XmlFormError(`is not ${encoding === 'utf-8' ? 'UTF-8' : 'UTF-16'} text`);
  }
}

function encode(text: string, encoding: Encoding): Uint8Array {
  if (encoding === 'utf-16le') return Buffer.from(text, 'utf16le');
  if (encoding === 'utf-16be') return Buffer.from(text, 'utf16le').swap16();
  return encoding === 'utf-8' ? Buffer.from(text, 'utf8') : Buffer.from(text, 'latin1');
}
