import type { HttpResponseInit } from '@azure/functions';
import type { Page } from '../../lib/pages/frame.ts';
import { varyByAccept } from './accept.ts';

/** A page that loads nothing but what its policy lets in, that no cache keeps and no frame holds. */
export function pageAnswer({ text, contentSecurityPolicy }: Page): HttpResponseInit {
  return {
    status: 200,
    headers: {
      ...varyByAccept,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy,
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    },
    body: text,
  };
}
