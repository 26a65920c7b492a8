import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, rootCertificates, type TLSSocket, connect as tlsConnect } from 'node:tls';

/**
 * TLS over a line.
 * @param name what the certificate must be for
 * @param ca certificates of authorities to trust beside the public ones, in PEM
 */
export function tlsOver(line: Duplex, name: string, ca: string | undefined, more: ConnectionOptions = {}): TLSSocket {
  const secured = tlsConnect({
    socket: line as Socket,
    // The name that the certificate is checked against where there is no SNI.
    host: name,
    // No SNI for an address (RFC 6066): its certificate is checked against the address.
    ...(isIP(name) ? {} : { servername: name }),
    ...(ca && { ca: [...rootCertificates, ca] }),
    ...more,
  });
  // An error that nobody waits for any more must not end the process.
  return secured.on('error', () => undefined);
}

/** Also rejects where the line is closed without an error, as by a server that expects something else. */
export function settled(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'the server closed the line' })));
  });
}

/** The code alone: texts of OpenSSL and of the system are long, and say no more. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'an error without a code';
}
