import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/**
 * What happens to a request on its way:
 * `pass` · `loseAnswer`: it reaches the server, and its answer is cut off · `cut`: it never arrives · a status and code of
 * the storage service in the server's place · a function: something else happens first, then it passes
 */
export type Fault = 'pass' | 'loseAnswer' | 'cut' | { status: number; code: string } | (() => Promise<void>);

export interface FaultProxy {
  port: number;
  /** Decides on each request; `index` counts those that the filter let through. */
  setFaults(faults: (request: { method: string; url: string }) => Fault): void;
  close(): Promise<void>;
}

/** A reverse proxy on loopback in front of an HTTP service, that lets tests break single requests. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  let choose: (request: { method: string; url: string }) => Fault = () => 'pass';
  const server = createServer((incoming, answer) => {
    handle(incoming, answer).catch(() => incoming.socket.destroy());
  });

  async function handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const fault = choose({ method: incoming.method ?? '', url: incoming.url ?? '' });
    if (fault === 'cut') {
      incoming.socket.destroy();
      return;
    }
    if (typeof fault === 'object') {
      answer.writeHead(fault.status, { 'x-ms-error-code': fault.code, 'content-type': 'application/xml' });
      answer.end(
        `<?xml version="1.0" encoding="utf-8"?><Error><Code>${fault.code}</Code><Message>test</Message></Error>`,
      );
      return;
    }
    if (typeof fault === 'function') await fault();
    const outgoing = request({
      host: '127.0.0.1',
      port: targetPort,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
    });
    outgoing.end(Buffer.concat(chunks));
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const body: Buffer[] = [];
    for await (const chunk of response) body.push(chunk as Buffer);
    if (fault === 'loseAnswer') {
      incoming.socket.destroy();
      return;
    }
    answer.writeHead(response.statusCode ?? 500, response.headers);
    answer.end(Buffer.concat(body));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    setFaults: (faults) => {
      choose = faults;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
