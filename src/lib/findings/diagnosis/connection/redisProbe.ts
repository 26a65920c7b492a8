import type { ErrorCode } from '../../../errorCodes.ts';
import { MaintenanceError } from '../../../errors.ts';
import { certificateName } from '../../../redis/line/openStream.ts';
import type { Endpoint, RedisConnection } from '../../../redis/redisConnection.ts';
import type { Connect, RedisNode } from '../../../redis/redisNode.ts';
import { type Step, UnreachableError } from '../../../redis/unreachable.ts';
import { clientWords, Line } from './line.ts';
import type { ConnectionProbe } from './probe.ts';

/** The names of the causes, where the watch has names of steps. */
const causes: Record<Step, ErrorCode> = {
  name: 'host_not_found',
  tcp: 'tcp_unreachable',
  tls: 'tls_mismatch',
  authentication: 'login_failed',
  permission: 'permission_missing',
  loading: 'server_loading',
  moved: 'cluster_moved',
  busy: 'server_busy',
  connectionLimit: 'connection_limit',
  answer: 'no_redis_answer',
};

/** The first endpoint of a Redis cache: the line by itself, then login, database and commands with the driver. */
export function redisProbe(connection: RedisConnection, connect: Connect): ConnectionProbe {
  const [endpoint = { host: 'localhost', port: 6379 }] = connection.endpoints;
  const { host, port } = endpoint;
  const line = new Line(host, port, clientWords.redis);
  const name = certificateName(host, connection);
  let node: RedisNode | undefined;
  const opened = () => {
    if (!node) throw new Error('the step login comes first');
    return node;
  };
  /** A Redis without TLS waits for the end of a line that never comes: so it is asked in plain text as well. */
  const secure = async (signal: AbortSignal) => {
    const handshake = line.secure({ name, checked: true, ca: connection.ca }, signal);
    const silent = speaksPlain(endpoint, AbortSignal.any([signal, AbortSignal.timeout(plainLimitMs)]));
    return Promise.race([
      handshake,
      silent.then((plain) => (plain ? Promise.reject(tlsMismatch(line.target, 'False')) : handshake)),
    ]);
  };
  return {
    kind: 'Redis',
    line,
    steps: {
      ...line.steps(connection.tls ? secure : undefined),
      login: async (signal) => {
        try {
          node = await connect(endpoint, signal);
          await node.info();
        } catch (error) {
          const told = tell(error);
          const silent = !connection.tls && error instanceof UnreachableError && error.step === 'answer';
          if (silent && (await speaksTls(endpoint, name, signal))) throw tlsMismatch(line.target, 'True');
          if (!(told instanceof MaintenanceError) || told.code !== 'permission_missing') throw told;
          if (/database/.test(told.message))
            return { step: 'database', error: new MaintenanceError('database_missing', told.message, told.advice) };
          if (!node) throw told;
          return { step: 'permission', error: told };
        }
        return undefined;
      },
      database: async () => [{ what: 'database', value: connection.database }],
      permission: async () => {
        try {
          await opened().keys.scan('0', 1);
        } catch (error) {
          throw tell(error);
        }
        return undefined;
      },
    },
    close: () => node?.close(),
  };
}

const plainLimitMs = 3_000;

/** Whether the port answers an inline PING in plain text. */
function speaksPlain(endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
  return onAnotherLine(endpoint, signal, async ({ socket }) => {
    socket.write('PING\r\n');
    const answer = await new Promise<string>((resolve) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
      socket.once('close', () => resolve(''));
    });
    return /^[+-]/.test(answer);
  });
}

function speaksTls(endpoint: Endpoint, name: string, signal: AbortSignal): Promise<boolean> {
  return onAnotherLine(endpoint, signal, async (line) => {
    await line.secure({ name, checked: false }, AbortSignal.any([signal, AbortSignal.timeout(plainLimitMs)]));
    return true;
  });
}

/** False as well where the line fails. */
async function onAnotherLine({ host, port }: Endpoint, signal: AbortSignal, ask: (line: Line) => Promise<boolean>) {
  const line = new Line(host, port, clientWords.redis);
  try {
    await line.connect(signal);
    return await ask(line);
  } catch {
    return false;
  } finally {
    line.close();
  }
}

function tlsMismatch(target: string, wanted: 'True' | 'False'): MaintenanceError {
  return new MaintenanceError(
    'tls_mismatch',
    `${target} ${wanted === 'True' ? 'speaks TLS, and the connection string does not' : 'does not speak TLS, and the connection string does'}.`,
    `Set \`ssl=${wanted}\` in the connection string, or use the other port (6380 is for TLS, 6379 without).`,
  );
}

function tell(error: unknown): unknown {
  if (error instanceof UnreachableError) return new MaintenanceError(causes[error.step], error.message, error.advice);
  if (error instanceof MaintenanceError && error.code === 'redis_command_refused')
    return new MaintenanceError('permission_missing', error.message, error.advice);
  return error;
}
