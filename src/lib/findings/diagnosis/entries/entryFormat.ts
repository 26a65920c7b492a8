import { keyIdOf, payloadMark } from '../../../payloadHeader.ts';

/** What the value of an entry is, as far as its bytes tell. Nothing of the content is kept but counts. */
export type EntryFormat =
  | { kind: 'encrypted'; keyId: string }
  /** `users`: accounts whose tokens are in it, as far as it was read. */
  | { kind: 'msal'; tokens: TokenFigures | undefined; users: number }
  | { kind: 'empty' }
  /** No reader of the token cache can use it. */
  | { kind: 'foreign'; form: 'damaged payload' | 'damaged JSON' | 'other JSON' | 'compressed' | 'other bytes' };

/** What a plain entry holds: how many tokens, and for how many resources and apps. */
interface TokenFigures {
  accessTokens: number;
  resources: number;
  /** Client ids; identifiers of apps, and no secret. */
  clientIds: string[];
}

/** Parts of MSAL's unified cache schema (TokenCache serialization format of MSAL.NET). */
const parts = ['AccessToken', 'RefreshToken', 'IdToken', 'Account', 'AppMetadata'];

/** @param content the value, or its beginning where `size` is larger */
export function formatOf(content: Uint8Array, size: number): EntryFormat {
  if (size === 0 || content.length === 0) return { kind: 'empty' };
  const keyId = keyIdOf(content);
  if (keyId) return { kind: 'encrypted', keyId };
  if (payloadMark.every((byte, index) => content[index] === byte)) return foreign('damaged payload');
  // gzip, and the zlib and Brotli streams of compressing caches.
  if (content[0] === 0x1f && content[1] === 0x8b) return foreign('compressed');
  const text = textOf(content, size > content.length);
  if (text === undefined) return foreign('other bytes');
  if (!/^\s*\{/.test(text)) return foreign(/^\s*[["]/.test(text) ? 'other JSON' : 'other bytes');
  if (size > content.length)
    return parts.some((part) => text.includes(`"${part}"`))
      ? { kind: 'msal', tokens: undefined, users: usersIn(text) }
      : foreign('other JSON');
  return jsonFormat(text);
}

function foreign(form: Extract<EntryFormat, { kind: 'foreign' }>['form']): EntryFormat {
  return { kind: 'foreign', form };
}

function textOf(content: Uint8Array, cut: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content, { stream: cut });
  } catch {
    return undefined;
  }
}

function jsonFormat(text: string): EntryFormat {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return foreign('damaged JSON');
  }
  const known = Object.keys(parsed).filter((name) => parts.includes(name));
  if (known.length === 0 && Object.keys(parsed).length > 0) return foreign('other JSON');
  const of = (part: string) => Object.values((parsed[part] ?? {}) as Record<string, Record<string, unknown>>);
  const access = of('AccessToken');
  const text_ = (value: unknown) => (typeof value === 'string' ? [value] : []);
  const clientIds = [...access, ...of('RefreshToken'), ...of('IdToken')].flatMap((token) => text_(token?.client_id));
  return {
    kind: 'msal',
    users: usersIn(text),
    tokens: {
      accessTokens: access.length,
      resources: new Set(access.flatMap((token) => text_(token?.target).map(resourceOf))).size,
      clientIds: [...new Set(clientIds.map((id) => id.toLowerCase()))],
    },
  };
}

function usersIn(text: string): number {
  return new Set([...text.matchAll(/"home_account_id"\s*:\s*"([^"]+)"/g)].map(([, account]) => account)).size;
}

/** `https://graph.microsoft.com/User.Read …` is of `https://graph.microsoft.com`; scopes without one are Graph's. */
function resourceOf(target: string): string {
  const [first = ''] = target.split(' ');
  const slash = first.lastIndexOf('/');
  return slash < 0 ? '' : first.slice(0, slash).toLowerCase();
}
