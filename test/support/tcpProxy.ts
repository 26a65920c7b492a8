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

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let dead = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => void (dead || to.write(chunk)));
      from.on('end', () => void (dead || to.end()));
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
