import { createServer } from 'node:net';

/**
 * Below the ports that systems take for outgoing connections (from 32,768 on Linux, 49,152 elsewhere): one of those may be taken before the
 * server that is to have it begins. The bus of a Redis cluster, 10,000 above its port, lies below them too.
 */
const [lowest, highest] = [11_000, 22_700];

/** A port of loopback that nothing listens on. */
export async function freePort(): Promise<number> {
  for (let left = 100; left > 0; left -= 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isFree(port)) return port;
  }
  throw new Error('no free port');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
