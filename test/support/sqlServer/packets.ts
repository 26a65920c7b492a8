/** Types of TDS packets that are used here (MS-TDS 2.2.3.1.1). */
export const packetType = {
  sqlBatch: 0x01,
  rpc: 0x03,
  response: 0x04,
  attention: 0x06,
  fedAuthToken: 0x08,
  transaction: 0x0e,
  login7: 0x10,
  prelogin: 0x12,
} as const;

const headerLength = 8;
const status = { endOfMessage: 0x01, ignore: 0x02 };
const defaultPacketSize = 4096;

export interface Message {
  type: number;
  payload: Buffer;
  /** The client took the message back while it was sending it. */
  ignored: boolean;
}

/** Puts messages together from packets, however the bytes come in. */
export class MessageReader {
  #buffered: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];

  /** Nothing of a further packet has come in. */
  get atBoundary(): boolean {
    return this.#buffered.length === 0 && this.#parts.length === 0;
  }

  push(chunk: Buffer): Message[] {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const messages: Message[] = [];
    while (this.#buffered.length >= headerLength) {
      const length = this.#buffered.readUInt16BE(2);
      if (length < headerLength) throw new Error(`a packet of ${length} bytes`);
      if (this.#buffered.length < length) break;
      const [type = 0, flags = 0] = this.#buffered;
      this.#parts.push(this.#buffered.subarray(headerLength, length));
      this.#buffered = this.#buffered.subarray(length);
      if (flags & status.endOfMessage)
        messages.push({ type, payload: Buffer.concat(this.#parts.splice(0)), ignored: (flags & status.ignore) !== 0 });
    }
    return messages;
  }
}

/** Cuts a message into packets of at most `packetSize` bytes, header included. */
export function packetsOf(type: number, payload: Buffer, packetSize = defaultPacketSize): Buffer[] {
  const room = packetSize - headerLength;
  const packets: Buffer[] = [];
  for (let start = 0; start === 0 || start < payload.length; start += room) {
    const part = payload.subarray(start, start + room);
    const header = Buffer.alloc(headerLength);
    header.writeUInt8(type, 0);
    header.writeUInt8(start + room >= payload.length ? status.endOfMessage : 0, 1);
    header.writeUInt16BE(headerLength + part.length, 2);
    header.writeUInt8((packets.length + 1) & 0xff, 6);
    packets.push(Buffer.concat([header, part]));
  }
  return packets;
}
