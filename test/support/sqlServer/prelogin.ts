/** PRELOGIN (MS-TDS 2.2.6.5): what the client offers about encryption and Entra, and what the server answers. */

const option = { version: 0x00, encryption: 0x01, instance: 0x02, thread: 0x03, mars: 0x04, federated: 0x06 };
const terminator = 0xff;
const encryption = { on: 0x01, notSupported: 0x02 };

export interface Prelogin {
  /** The client wants the connection encrypted. */
  encrypt: boolean;
  /** The client can log in with a federated token. */
  federated: boolean;
}

export function readPrelogin(payload: Buffer): Prelogin {
  const found = new Map<number, Buffer>();
  for (let at = 0; payload[at] !== undefined && payload[at] !== terminator; at += 5) {
    const start = payload.readUInt16BE(at + 1);
    found.set(payload.readUInt8(at), payload.subarray(start, start + payload.readUInt16BE(at + 3)));
  }
  return {
    encrypt: found.get(option.encryption)?.[0] === encryption.on,
    federated: found.get(option.federated)?.[0] === 1,
  };
}

export function preloginAnswer({ encrypt, federated }: Prelogin): Buffer {
  const options: [number, Buffer][] = [
    [option.version, Buffer.from([16, 0, 0x10, 0x00, 0, 0])],
    [option.encryption, Buffer.from([encrypt ? encryption.on : encryption.notSupported])],
    [option.instance, Buffer.from([0])],
    [option.thread, Buffer.alloc(0)],
    [option.mars, Buffer.from([0])],
    ...(federated ? [[option.federated, Buffer.from([1])] as [number, Buffer]] : []),
  ];
  let at = options.length * 5 + 1;
  const heads = options.map(([id, data]) => {
    const head = Buffer.alloc(5);
    head.writeUInt8(id, 0);
    head.writeUInt16BE(at, 1);
    head.writeUInt16BE(data.length, 3);
    at += data.length;
    return head;
  });
  return Buffer.concat([...heads, Buffer.from([terminator]), ...options.map(([, data]) => data)]);
}
