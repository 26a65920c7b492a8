/** Reads the little-endian fields of TDS one after the other. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  bytes(length: number): Buffer {
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    if (part.length < length) throw new Error('the message ends too early');
    this.#at += length;
    return part;
  }

  uint8(): number {
    return this.bytes(1).readUInt8();
  }

  uint16(): number {
    return this.bytes(2).readUInt16LE();
  }

  uint32(): number {
    return this.bytes(4).readUInt32LE();
  }

  uint64(): bigint {
    return this.bytes(8).readBigUInt64LE();
  }

  /** The whole number in the next `length` bytes, at most 6. */
  uint(length: number): number {
    return this.bytes(length).readUIntLE(0, length);
  }

  /** B_VARCHAR: a length of one byte, in characters. */
  shortText(): string {
    return this.bytes(this.uint8() * 2).toString('utf16le');
  }

  text(bytes: number): string {
    return this.bytes(bytes).toString('utf16le');
  }
}
