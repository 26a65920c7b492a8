import { isIP } from 'node:net';

/**
 * Whether a text has the form of a host: a name of DNS (RFC 1123, and `_` as Windows has it) or an IP address. Hosts are told in
 * errors, records and pages, so nothing else may be taken for one: it may be a password that was typed into the wrong place.
 */
export function isHost(text: string): boolean {
  const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;
  const name = text.replace(/\.$/, '');
  return isIP(text) !== 0 || (name.length <= 253 && name.split('.').every((part) => label.test(part)));
}
