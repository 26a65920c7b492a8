import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { MaintenanceError } from '../../../errors.ts';

/**
 * TLS of SQL Server up to TDS 7.4: the handshake travels in PRELOGIN packets (MS-TDS 3.2.5.2), after both sides have agreed
 * on encryption. Only the handshake is needed here: the login is the driver's.
 */

const preloginType = 0x12;
const headerBytes = 8;
const encryption = { off: 0, on: 1, notSupported: 2, required: 3 } as const;

/** Offers encryption; the answer is the server's. @throws MaintenanceError `tls_not_offered`, `tls_mismatch` */
export async function agreeOnTls(socket: Socket, target: string, signal: AbortSignal): Promise<Duplex> {
  const carrier = new PreloginCarrier(socket);
  signal.addEventListener('abort', () => carrier.destroy(), { once: true });
  socket.write(packet(preloginRequest()));
  const answer = await carrier.first();
  const agreed = answer && encryptionOf(answer);
  if (agreed === undefined)
    throw new MaintenanceError(
      'tls_mismatch',
      `${target} does not answer as a SQL Server.`,
      'Check the port of `Server=` in the connection string.',
    );
  if (agreed === encryption.notSupported)
    throw new MaintenanceError(
      'tls_not_offered',
      `${target} offers no encryption, and the connection string asks for it.`,
      'Install a certificate on the server. `Encrypt=False` would send tokens in clear text.',
    );
  return carrier;
}

/** Options VERSION, ENCRYPTION and the terminator. */
function preloginRequest(): Buffer {
  const options = Buffer.from([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff]);
  return Buffer.concat([options, Buffer.from([12, 0, 0, 0, 0, 0]), Buffer.from([encryption.on])]);
}

function encryptionOf(payload: Buffer): number | undefined {
  for (let at = 0; at + 5 <= payload.length && payload[at] !== 0xff; at += 5)
    if (payload[at] === 1) return payload[payload.readUInt16BE(at + 1)];
  return undefined;
}

function packet(payload: Buffer): Buffer {
  const header = Buffer.from([preloginType, 1, 0, 0, 0, 0, 0, 0]);
  header.writeUInt16BE(headerBytes + payload.length, 2);
  return Buffer.concat([header, payload]);
}

/** Packs what is written into PRELOGIN packets, and unpacks what comes. */
class PreloginCarrier extends Duplex {
  readonly #socket: Socket;
  #rest = Buffer.alloc(0);
  #first: ((payload: Buffer | undefined) => void) | undefined;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => {
      this.#first?.(undefined);
      this.destroy();
    });
    this.on('error', () => undefined);
  }

  /** The payload of the first answer; undefined where it is none, or the line ends. */
  first(): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      this.#first = resolve;
    });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(packet(chunk), done);
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(null);
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const first = this.#first;
    // An answer to PRELOGIN is of the type 4, the handshake of the type 18.
    if (first && this.#rest.length > 0 && this.#rest[0] !== 4 && this.#rest[0] !== preloginType) {
      this.#first = undefined;
      first(undefined);
      return;
    }
    while (this.#rest.length >= headerBytes && this.#rest.length >= this.#rest.readUInt16BE(2)) {
      const length = this.#rest.readUInt16BE(2);
      if (length < headerBytes) return void this.destroy();
      const payload = this.#rest.subarray(headerBytes, length);
      this.#rest = this.#rest.subarray(length);
      if (this.#first) {
        const take = this.#first;
        this.#first = undefined;
        take(payload);
      } else this.push(payload);
    }
  }
}
