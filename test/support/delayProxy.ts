import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on loopback that holds each piece of the server's answers for some time: a server far away. */
export async function startDelayProxy(
  targetPort: number,
  delayMs: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('error', () => target.destroy());
    target.on('error', () => client.destroy());
    client.on('data', (chunk) => target.write(chunk));
    client.on('end', () => target.end());
    target.on('data', (chunk) => void setTimeout(() => client.write(chunk), delayMs));
    target.on('end', () => void setTimeout(() => client.end(), delayMs));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
