import { type Metric, MetricsClient, type MetricsClientOptions } from '@azure/monitor-query-metrics';
import type { Clock } from '../../clock.ts';
import { MaintenanceError } from '../../errors.ts';
import type { ResourceMemory, ResourceMetrics } from '../resourceMetrics.ts';

export interface MonitorOptions {
  resourceId: string;
  /** Of the resource's region: `https://westeurope.metrics.monitor.azure.com`. */
  endpoint: string;
  credential: ConstructorParameters<typeof MetricsClient>[1];
  clock: Clock;
  client?: MetricsClientOptions;
}

/** Metrics of a Redis Enterprise resource come in grains of 5 minutes, some minutes late (field.md B2; supported metrics). */
const grain = 'PT5M';
const windowMs = 30 * 60_000;
const names = { used: 'usedmemory', percentage: 'usedmemorypercentage' };

/** Reads how full a cache is from Azure Monitor. Needs the role Monitoring Reader on the resource. */
export class MonitorMetrics implements ResourceMetrics {
  readonly #options: MonitorOptions;
  readonly #client: MetricsClient;

  constructor(options: MonitorOptions) {
    this.#options = options;
    const audience = new URL(options.endpoint).hostname.replace(/^[^.]+\./, 'https://');
    this.#client = new MetricsClient(options.endpoint, options.credential, {
      // The batch API of metrics has its own audience (MetricsClient of azure-monitor-querymetrics for Python).
      credentials: { scopes: [`${audience}/.default`] },
      retryOptions: { maxRetries: 1, retryDelayInMs: 500 },
      ...options.client,
    });
  }

  async memory(signal: AbortSignal): Promise<ResourceMemory | undefined> {
    const { resourceId, clock } = this.#options;
    const endTime = clock.now();
    const namespace = /providers\/(Microsoft\.Cache\/[^/]+)/i.exec(resourceId)?.[1] ?? '';
    const query = {
      startTime: new Date(endTime.getTime() - windowMs),
      endTime,
      interval: grain,
      aggregation: 'maximum',
      // Passed on by the client, though its type does not name it: a request left behind would keep a process alive.
      abortSignal: signal,
    };
    const metrics = Object.values(names);
    const [result] = await ended(this.#client.queryResources([resourceId], metrics, namespace, query), signal);
    const percentage = newest(result?.getMetricByName(names.percentage));
    if (!percentage) return undefined;
    return {
      at: percentage.at.toISOString(),
      usedBytes: newest(result?.getMetricByName(names.used))?.value ?? null,
      utilization: percentage.value / 100,
    };
  }
}

/** The newest point that has a value: the last grains may still be empty. */
function newest(metric: Metric | undefined): { at: Date; value: number } | undefined {
  const points = (metric?.timeseries ?? []).flatMap(({ data }) => data ?? []);
  const measured = points.flatMap(({ timeStamp, maximum }) =>
    maximum === undefined ? [] : [{ at: timeStamp, value: maximum }],
  );
  return measured.sort((a, b) => b.at.getTime() - a.at.getTime())[0];
}

/** The credential takes no signal: what hangs there is left behind. */
async function ended<T>(query: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(unavailable('no answer in time')), { once: true }),
  );
  try {
    return await Promise.race([query, stopped]);
  } catch (error) {
    if (error instanceof MaintenanceError) throw error;
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    throw unavailable(statusCode ? `status ${statusCode}` : (code ?? 'the request failed'));
  }
}

function unavailable(reason: string): MaintenanceError {
  return new MaintenanceError(
    'resource_metrics_unavailable',
    `Azure Monitor could not be asked for the memory of the cache: ${reason}.`,
    'Check TOKEN_CACHE_RESOURCE_ID, and give the identity the role Monitoring Reader on the resource.',
  );
}
