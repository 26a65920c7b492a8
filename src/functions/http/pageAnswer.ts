import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import Negotiator from 'negotiator';
import type { Page } from '../../lib/pages/frame.ts';
import { guarded, Problem } from './problem.ts';

/** An answer that depends on `Accept` says so to whatever caches it. */
export const varyByAccept = { vary: 'Accept' };

/**
 * The media type, of those offered, that the client likes best (RFC 9110, 12.5.1); among equals the one that it
 * names first, and where it names none the one offered first.
 * @throws Problem 406 where it takes none of them
 */
export function preferredType<T extends string>(request: HttpRequest, offered: readonly T[]): T {
  const accept = request.headers.get('accept');
  const negotiator = new Negotiator({ headers: accept === null ? {} : { accept } });
  const [preferred] = negotiator.mediaTypes([...offered]);
  const found = offered.find((type) => type === preferred);
  if (found) return found;
  throw new Problem(
    'not_acceptable',
    'The answer cannot be had in the type that `Accept` asks for.',
    `Ask for one of: ${offered.join(', ')}.`,
    {},
    varyByAccept,
  );
}

/** A page that loads nothing but what its policy lets in, that no cache keeps and no frame holds. */
export function pageAnswer({ text, contentSecurityPolicy }: Page): HttpResponseInit {
  return {
    status: 200,
    headers: {
      ...guarded,
      ...varyByAccept,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy,
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    },
    body: text,
  };
}
