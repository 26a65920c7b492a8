import autocannon from 'autocannon';

/** The requests beside a purge, by autocannon: at a fixed rate, or as many as are answered. */

export interface Target {
  url: string;
  headers: Record<string, string>;
  connections: number;
  /** Requests per second; undefined for as many as are answered. */
  rate: number | undefined;
}

export interface LoadFigures {
  requests: number;
  requestsPerSecond: number;
  /** Failed connections, time-outs, and answers that are not 2xx. */
  errors: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** Longer than any run; a load is stopped. */
const limitSeconds = 600;

/** Begins a load; the result ends it and tells its figures. */
export function beginLoad({ url, headers, connections, rate }: Target): () => Promise<LoadFigures> {
  const options = {
    url,
    headers,
    connections,
    duration: limitSeconds,
    ...(rate !== undefined && { overallRate: rate }),
  };
  const { promise: finished, resolve, reject } = Promise.withResolvers<autocannon.Result>();
  const load = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)));
  return async () => {
    load.stop();
    const { requests, errors, non2xx, latency, duration } = await finished;
    return {
      requests: requests.total,
      requestsPerSecond: requests.total / duration,
      errors: errors + non2xx,
      p50Ms: latency.p50,
      p99Ms: latency.p99,
      maxMs: latency.max,
    };
  };
}
