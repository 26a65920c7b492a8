import type { Socket } from 'node:net';
import { MaintenanceError } from '../../../errors.ts';

/** The length and the code of an SSLRequest (PostgreSQL manual, "Message Formats"). */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** Asks a PostgreSQL for TLS; then the handshake follows on the same line. @throws MaintenanceError `tls_not_offered`, `tls_mismatch` */
export async function askForTls(socket: Socket, target: string): Promise<void> {
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1', 0, 1)));
    socket.once('close', () => resolve(''));
  });
  socket.write(sslRequest);
  const letter = await answer;
  if (letter === 'S') return;
  throw letter === 'N'
    ? new MaintenanceError(
        'tls_not_offered',
        `${target} offers no TLS, and the connection string asks for it.`,
        'Switch `ssl` on at the server. `SSL Mode=Disable` would send tokens in clear text.',
      )
    : new MaintenanceError(
        'tls_mismatch',
        `${target} does not answer as a PostgreSQL.`,
        'Check host and port of the connection string.',
      );
}
