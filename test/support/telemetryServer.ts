import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { gunzipSync } from 'node:zlib';

/** How a backend of telemetry answers: well, by refusing, or never. */
export type Mood = 'well' | 401 | 429 | 500 | 'never';

export interface ReceivedRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface TelemetryServer {
  port: number;
  /** Those that were answered well. */
  accepted: ReceivedRequest[];
  /** All, those that were refused or never answered included. */
  received: ReceivedRequest[];
  /** How many of those that are never answered are still waited for. */
  waiting: number;
  mood: Mood;
  stop(): Promise<void>;
}

/** What both backends have in common: keep each request, and answer it as the mood is. With a certificate, over TLS. */
export async function startTelemetryServer(
  answer: (request: ReceivedRequest, response: ServerResponse) => void,
  tls?: { key: string; cert: string },
): Promise<TelemetryServer> {
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const received = { path: request.url ?? '', headers: request.headers, body };
    server.received.push(received);
    if (server.mood === 'never') {
      server.waiting += 1;
      response.once('close', () => {
        server.waiting -= 1;
      });
      return;
    }
    if (server.mood === 'well') {
      server.accepted.push(received);
      answer(received, response);
    } else response.writeHead(server.mood, { 'content-type': 'application/json', 'retry-after': '1' }).end('{}');
  };
  const listening = tls ? createHttpsServer(tls, listener) : createHttpServer(listener);
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  const server: TelemetryServer = {
    port: typeof address === 'object' && address ? address.port : 0,
    accepted: [],
    received: [],
    waiting: 0,
    mood: 'well',
    stop: async () => {
      listening.closeAllConnections();
      listening.close();
      await once(listening, 'close');
    },
  };
  return server;
}

/** A value of a metric as a backend was told it. */
export interface Measured {
  name: string;
  unit: string | undefined;
  attributes: Record<string, unknown>;
  /** The sum, for a histogram. */
  value: number;
  /** How many values a histogram has. */
  count: number | undefined;
}

export interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentId: string;
  attributes: Record<string, unknown>;
  failed: boolean;
}

export interface ReceivedLog {
  text: string;
  traceId: string;
  spanId: string;
  attributes: Record<string, unknown>;
}
