import { connect, isIP, type Socket } from 'node:net';
import { rootCertificates, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { type Endpoint, endpointName } from '../redisConnection.ts';
import { type Step, UnreachableError } from '../unreachable.ts';

export interface StreamOptions {
  tls: boolean;
  /** The name that the certificate must have; the endpoint's host if undefined. */
  tlsHost: string | undefined;
  /** The same, for an endpoint that is known by its address alone. */
  sharedHost: string | undefined;
  /** Certificates of authorities to trust beside the public ones, in PEM. */
  ca: string | undefined;
  timeoutMs: number;
}

/**
 * Opens the line to an endpoint, by TLS where asked for, step by step: a client library tells a failed name, connection
 * and handshake apart in their error codes at best, and a hang not at all.
 * @throws UnreachableError naming the step that failed, or that hung until `signal` or the timeout ended it
 */
export async function openStream(endpoint: Endpoint, options: StreamOptions, signal: AbortSignal): Promise<Socket> {
  const { host, port } = endpoint;
  let step: Step = isIP(host) ? 'tcp' : 'name';
  const socket = connect({ host, port });
  socket.on('lookup', (error: Error | null) => {
    if (!error) step = 'tcp';
  });
  // An error that nobody waits for any more must not end the process.
  socket.on('error', () => undefined);
  let last: Socket = socket;
  const stop = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]);
  const end = () => {
    socket.destroy();
    last.destroy();
  };
  stop.addEventListener('abort', end, { once: true });
  try {
    await settled(socket, 'connect', stop);
    if (options.tls) {
      step = 'tls';
      last = secure(socket, host, options);
      last.on('error', () => undefined);
      await settled(last, 'secureConnect', stop);
    }
    return last;
  } catch (error) {
    end();
    const reason = stop.aborted ? 'no answer in time' : codeOf(error);
    throw new UnreachableError(step, `${failures[step]} ${endpointName(endpoint)} failed: ${reason}.`);
  } finally {
    stop.removeEventListener('abort', end);
  }
}

const failures: Partial<Record<Step, string>> = {
  name: 'Resolving the name of',
  tcp: 'Connecting to',
  tls: 'The TLS handshake with',
};

function secure(socket: Socket, host: string, { tlsHost, sharedHost, ca }: StreamOptions): TLSSocket {
  const name = tlsHost ?? (isIP(host) ? (sharedHost ?? host) : host);
  return tlsConnect({
    socket,
    host: name,
    // No SNI for an address (RFC 6066): its certificate is checked against the address.
    ...(isIP(name) ? {} : { servername: name }),
    ...(ca && { ca: [...rootCertificates, ca] }),
  });
}

/** Also rejects where the line is closed without an error, as by a server that expects something else. */
function settled(socket: Socket, event: 'connect' | 'secureConnect', stop: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stop.aborted) reject(new Error('ended'));
    socket.once(event, () => resolve());
    socket.once('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'the server closed the line' })));
  });
}

/** The code alone: the texts of OpenSSL and of the system are long, and say no more. */
function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'an error without a code';
}
