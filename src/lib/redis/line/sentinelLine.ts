import type { Endpoint } from '../redisConnection.ts';
import type { SentinelView } from '../sentinel.ts';
import { RefusedError, UnreachableError } from '../unreachable.ts';
import { type IoredisLine, type LineOptions, openLine } from './ioredisLine.ts';

/**
 * What a Sentinel knows of the primary with this name, or of the only one that it watches.
 * @throws UnreachableError where it knows none, or several and no name says which
 */
export async function askSentinel(line: IoredisLine, serviceName: string | undefined): Promise<SentinelView> {
  const all = fieldsOf(await line.call('SENTINEL', 'MASTERS'));
  const found = all.filter(({ name }) => serviceName === undefined || name === serviceName);
  const [primary] = found;
  if (!primary?.name || found.length > 1) {
    const names = all.length === 0 ? 'none' : all.map(({ name }) => `\`${name}\``).join(', ');
    const wanted =
      serviceName === undefined ? '' : `no primary under the \`serviceName\` of the connection string, but `;
    throw new UnreachableError('moved', `The Sentinel ${line.name} watches ${wanted}${names}.`);
  }
  const { name } = primary;
  const flags = primary.flags ?? '';
  return {
    service: name,
    primary: endpointOf(primary),
    primaryDown: flags.includes('o_down') ? 'objective' : flags.includes('s_down') ? 'subjective' : null,
    replicas: fieldsOf(await line.call('SENTINEL', 'REPLICAS', name)).map(endpointOf),
    others: fieldsOf(await line.call('SENTINEL', 'SENTINELS', name)).map(endpointOf),
    quorum: await line.call('SENTINEL', 'CKQUORUM', name).then(
      () => true,
      (error: unknown) => {
        if (!(error instanceof RefusedError)) throw error;
        return error.message.includes('NOQUORUM') ? false : null;
      },
    ),
  };
}

/** A line to what holds the keys: where the connection string has a `serviceName`, its endpoints are Sentinels. */
export async function openPrimaryLine(
  endpoint: Endpoint,
  options: LineOptions,
  signal: AbortSignal,
): Promise<IoredisLine> {
  const line = await openLine(endpoint, options, signal);
  if (options.serviceName === undefined) return line;
  try {
    return await openLine((await askSentinel(line, options.serviceName)).primary, options, signal);
  } finally {
    line.close();
  }
}

/** An answer of names and values in turn, for each of what was asked for. */
function fieldsOf(answer: unknown): Record<string, string>[] {
  return (answer as string[][]).map((flat) =>
    Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []))),
  );
}

const endpointOf = ({ ip = '', port }: Record<string, string>): Endpoint => ({ host: ip, port: Number(port) });
