/** TLS on the server's side, in the two ways of TDS. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Certificate } from './certificate.ts';
import { MessageReader, packetsOf, packetType } from './packets.ts';

function secure(transport: Duplex, { key, certificate }: Certificate): TLSSocket {
  return new TLSSocket(transport as Socket, {
    isServer: true,
    secureContext: createSecureContext({ key, cert: certificate }),
    // TDS 8; a client of TDS 7 offers no protocol.
    ALPNProtocols: ['tds/8.0'],
  });
}

/** TDS 8 (`Encrypt=Strict`): TLS from the first byte. `first` is what was read to see that. */
export function strictTls(socket: Socket, first: Buffer, certificate: Certificate): TLSSocket {
  socket.pause();
  socket.unshift(first);
  return secure(socket, certificate);
}

/** TDS 7 (`Encrypt=True`): the handshake goes in PRELOGIN packets, one message a flight; then TLS records alone. */
export function tlsInPrelogin(socket: Socket, certificate: Certificate): TLSSocket {
  return secure(new HandshakeTransport(socket), certificate);
}

class HandshakeTransport extends Duplex {
  readonly #socket: Socket;
  readonly #reader = new MessageReader();
  #wrapped = true;
  #flight: Buffer[] = [];

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => this.destroy());
    socket.on('error', () => this.destroy());
  }

  #receive(chunk: Buffer): void {
    // The client sends bare records once the server's last flight is in.
    if (this.#wrapped && this.#reader.atBoundary && chunk[0] !== packetType.prelogin) this.#wrapped = false;
    if (!this.#wrapped) this.push(chunk);
    else for (const { payload } of this.#reader.push(chunk)) this.push(payload);
  }

  override _read(): void {
    // What comes in is pushed at once.
  }

  override _write(chunk: Buffer, _: BufferEncoding, written: (error?: Error | null) => void): void {
    if (!this.#wrapped) {
      this.#socket.write(chunk, written);
      return;
    }
    if (this.#flight.push(chunk) === 1) setImmediate(() => this.#sendFlight());
    written();
  }

  #sendFlight(): void {
    const flight = Buffer.concat(this.#flight.splice(0));
    for (const packet of packetsOf(packetType.prelogin, flight)) this.#socket.write(packet);
  }

  override _final(ended: (error?: Error | null) => void): void {
    this.#socket.end(() => ended());
  }

  override _destroy(error: Error | null, destroyed: (error?: Error | null) => void): void {
    this.#socket.destroy();
    destroyed(error);
  }
}
