import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on loopback whose line can be cut, or go dead without a word. */
export interface TcpProxy {
  port: number;
  /** From now on nothing passes, in either direction, and no socket is closed: a half-open connection. */
  blackHole(): void;
  /** Resets every connection that is open now; later ones pass. */
  reset(): void;
  /** Everything passes again, on new connections. */
  pass(): void;
  close(): Promise<void>;
}

/** What the server sent on one connection, null at its end; `pass` hands it on, and is the same function for one connection. */
export type Answers = (chunk: Buffer | null, pass: (chunk: Buffer | null) => void) => void;

/** A server far away: each piece of its answers takes some time. */
export const delayed =
  (ms: number): Answers =>
  (chunk, pass) =>
    void setTimeout(pass, ms, chunk);

export async function startTcpProxy(
  targetPort: number,
  answers: Answers = (chunk, pass) => pass(chunk),
): Promise<TcpProxy> {
  let dead = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    const passTo = (to: Socket) => (chunk: Buffer | null) => {
      if (!dead && to.writable) chunk ? to.write(chunk) : to.end();
    };
    const passAnswer = passTo(client);
    for (const [from, to, pass] of [
      [client, target, passTo(target)],
      [target, client, (chunk: Buffer | null) => answers(chunk, passAnswer)],
    ] as const) {
      sockets.add(from);
      from.on('data', pass);
      from.on('end', () => pass(null));
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('no port');
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: address.port,
    blackHole: () => {
      dead = true;
    },
    reset,
    pass: () => {
      reset();
      dead = false;
    },
    close: async () => {
      reset();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
