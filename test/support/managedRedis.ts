/**
 * A stand-in for Azure Managed Redis, which cannot be had here: it speaks the Redis protocol, answers INFO with a text of
 * Redis Enterprise that names no maximum, and refuses CONFIG. It proves nothing of what else that service does.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

export async function startManagedRedis(info: string): Promise<{ node: string; server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const [, command = ''] of String(chunk).matchAll(/\*\d+\r\n\$\d+\r\n([a-z]+)\r\n/gi)) {
        if (/^info$/i.test(command)) socket.write(`$${Buffer.byteLength(info)}\r\n${info}\r\n`);
        else if (/^ping$/i.test(command)) socket.write('+PONG\r\n');
        else socket.write(`-ERR unknown command '${command}'\r\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { node: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, server };
}
