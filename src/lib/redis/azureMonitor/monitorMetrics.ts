import { type ClientOptions, getClient } from '@azure-rest/core-client';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { MaintenanceError } from '../../errors.ts';
import { unlessAborted } from '../../inTime.ts';
import type { WatchContext } from '../watch.ts';

interface MonitorOptions {
  resourceId: string;
  /** Azure Resource Manager's address: `https://management.azure.com`. */
  endpoint: string;
  credential: Parameters<typeof getClient>[1];
  clock: Clock;
  client?: ClientOptions;
}

/** Metrics of a Redis Enterprise resource come in grains of 5 minutes, some minutes late (field.md B2; supported metrics). */
const grain = 'PT5M';
const windowMs = 30 * 60_000;
const names = { used: 'usedmemory', percentage: 'usedmemorypercentage' };

const point = z.object({ timeStamp: z.coerce.date(), maximum: z.number().optional() });
const metric = z.object({
  name: z.object({ value: z.string() }),
  timeseries: z.array(z.object({ data: z.array(point).default([]) })).default([]),
});
const answer = z.object({ value: z.array(metric) });

/**
 * Reads how full a cache is from Azure Monitor (REST "Metrics - List", 2024-02-01). Needs the role Monitoring Reader on the
 * resource, and nothing more: the batch API of the metrics endpoints asks for that role on the whole subscription.
 */
export function monitorMetrics({
  resourceId,
  endpoint,
  credential,
  clock,
  client: more,
}: MonitorOptions): NonNullable<WatchContext['resource']> {
  const { origin } = new URL(endpoint);
  const client = getClient(origin, credential, {
    credentials: { scopes: [`${origin}/.default`] },
    retryOptions: { maxRetries: 1, retryDelayInMs: 500 },
    ...more,
  });
  const read = async (abortSignal: AbortSignal) => {
    const end = clock.now();
    const start = new Date(end.getTime() - windowMs);
    const queryParameters = {
      'api-version': '2024-02-01',
      metricnamespace: /providers\/(Microsoft\.Cache\/[^/]+)/i.exec(resourceId)?.[1] ?? '',
      metricnames: Object.values(names).join(','),
      aggregation: 'Maximum',
      interval: grain,
      timespan: `${start.toISOString()}/${end.toISOString()}`,
    };
    const path = client.pathUnchecked(`${resourceId}/providers/Microsoft.Insights/metrics`);
    const { status, body } = await path.get({ queryParameters, abortSignal });
    if (status !== '200') throw unavailable(`status ${status}`);
    const { data } = answer.safeParse(body);
    if (!data) throw unavailable('the answer is not understood');
    return data.value;
  };
  return async (signal) => {
    const metrics = await ended(read(signal), signal);
    const of = (name: string) => newest(metrics.find((metric) => metric.name.value.toLowerCase() === name));
    const percentage = of(names.percentage);
    if (!percentage) return undefined;
    return { usedBytes: of(names.used)?.value ?? null, utilization: percentage.value / 100 };
  };
}

/** The newest point that has a value: the last grains may still be empty. */
function newest(found: z.infer<typeof metric> | undefined): { at: Date; value: number } | undefined {
  const points = (found?.timeseries ?? []).flatMap(({ data }) => data);
  const measured = points.flatMap(({ timeStamp, maximum }) =>
    maximum === undefined ? [] : [{ at: timeStamp, value: maximum }],
  );
  return measured.sort((a, b) => b.at.getTime() - a.at.getTime())[0];
}

/** The credential takes no signal: what hangs there is left behind. */
async function ended<T>(query: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = () => {
    throw unavailable('no answer in time');
  };
  try {
    return await unlessAborted(query, signal, late);
  } catch (error) {
    if (error instanceof MaintenanceError) throw error;
    // The client may notice the end first, in words of its own.
    if (signal.aborted) return late();
    throw unavailable((error as { code?: string }).code ?? 'the request failed');
  }
}

function unavailable(reason: string): MaintenanceError {
  return new MaintenanceError(
    'resource_metrics_unavailable',
    `Azure Monitor could not be asked for the memory of the cache: ${reason}.`,
    'Check TOKEN_CACHE_RESOURCE_ID, and give the identity the role Monitoring Reader on the resource.',
  );
}
