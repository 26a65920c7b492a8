/** The TDS endpoint in a process of its own, so that its work does not count as the client's. Speaks by IPC. */
import { startEndpoint } from '../test/support/sqlServer/endpoint.ts';

export interface EndpointReady {
  port: number;
  connectionString: string;
  user: string;
  password: string;
  database: string;
}

const [url] = process.argv.slice(2);
if (!url) throw new Error('usage: endpointProcess.ts <PostgreSQL URL>');
const endpoint = await startEndpoint(url);
const { user, password, database } = endpoint.login;
const ready: EndpointReady = {
  port: endpoint.port,
  connectionString: endpoint.connectionString('TrustServerCertificate=true'),
  user,
  password,
  database,
};
process.send?.(ready);
process.once('disconnect', () => void endpoint.close().finally(() => process.exit()));
