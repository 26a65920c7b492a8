/**
 * A stand-in for the metrics of Azure Monitor (REST "Metrics - List", 2024-02-01), which cannot be had here, by
 * HTTPS for the real client library. It proves that we ask and read as that document says, not that the service agrees.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface MonitorRequest {
  path: string;
  query: URLSearchParams;
  authorization: string;
  body: string;
}

export interface AzureMonitor {
  endpoint: string;
  /** The certificate, to be trusted. */
  ca: string;
  requests: MonitorRequest[];
  /** Values of each metric, the newest last; undefined for a grain without a value. */
  points: Record<string, (number | undefined)[]>;
  status: number;
  stop(): Promise<void>;
}

export async function startAzureMonitor(): Promise<AzureMonitor> {
  const folder = await mkdtemp(join(tmpdir(), 'token-cache-monitor-'));
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-days',
      '2',
    ],
    { cwd: folder, stdio: 'pipe' },
  );
  const [key, cert] = await Promise.all(['key.pem', 'cert.pem'].map((name) => readFile(join(folder, name), 'utf8')));
  const server = createServer({ key, cert }, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const url = new URL(request.url ?? '/', 'https://localhost');
    const { authorization = '' } = request.headers;
    monitor.requests.push({ path: url.pathname, query: url.searchParams, authorization, body });
    response.writeHead(monitor.status, { 'content-type': 'application/json' });
    const failure = { error: { code: 'AuthorizationFailed', message: 'does not have authorization' } };
    response.end(JSON.stringify(monitor.status === 200 ? answer(monitor.points, url.searchParams) : failure));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const monitor: AzureMonitor = {
    endpoint: `https://localhost:${typeof address === 'object' ? address?.port : 0}`,
    ca: cert ?? '',
    requests: [],
    points: {},
    status: 200,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
  return monitor;
}

function answer(points: AzureMonitor['points'], query: URLSearchParams) {
  const [from = '', to = ''] = (query.get('timespan') ?? '').split('/');
  const start = Date.parse(from);
  const metrics = (query.get('metricnames') ?? '').split(',').map((name) => ({
    id: name,
    type: 'Microsoft.Insights/metrics',
    name: { value: name, localizedValue: name },
    unit: 'Bytes',
    timeseries: [
      {
        metadatavalues: [],
        data: (points[name] ?? []).map((maximum, index) => ({
          timeStamp: new Date(start + index * 300_000).toISOString(),
          ...(maximum !== undefined && { maximum }),
        })),
      },
    ],
  }));
  return { cost: 59, timespan: `${from}/${to}`, interval: 'PT5M', value: metrics };
}
