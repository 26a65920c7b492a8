import { connect, isIP, type Socket } from 'node:net';
import { codeOf, settled, tlsOver } from '../../sockets.ts';
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
    stop.throwIfAborted();
    await settled(socket, 'connect');
    if (options.tls) {
      step = 'tls';
      stop.throwIfAborted();
      last = tlsOver(socket, certificateName(host, options), options.ca);
      await settled(last, 'secureConnect');
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

/** The name that the certificate of an endpoint must have. */
export function certificateName(
  host: string,
  { tlsHost, sharedHost }: Pick<StreamOptions, 'tlsHost' | 'sharedHost'>,
): string {
  return tlsHost ?? (isIP(host) ? (sharedHost ?? host) : host);
}
