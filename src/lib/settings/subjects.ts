import type { BlobAddress } from '../azure/storage.ts';
import type { CertificateFile } from '../keyRing/protectors/certificateFile.ts';
import type { KeyRingPolicy } from '../keyRing/rule/policy.ts';
import type { RedisConnection } from '../redis/redisConnection.ts';
import type { TableName } from '../sql/names.ts';
import type { PostgresConnection } from '../sql/postgres/connectionString.ts';
import type { SqlServerConnection } from '../sql/sqlserver/connectionString.ts';

/** What the jobs work on. Each is read once, when the settings are, and handed on parsed; no secret in it shows itself. */
export type Cache = SqlCache | RedisCache;
export type SqlCache = SqlTable & {
  name: string;
  /** `observe`: the expiry index is never built here; one that is missing is told. */
  index: 'manage' | 'observe';
};

type SqlTable = TableOf<'sqlserver', SqlServerConnection> | TableOf<'postgres', PostgresConnection>;

interface TableOf<Kind, Connection> {
  kind: Kind;
  connection: Connection;
  table: TableName;
}

export interface RedisCache {
  kind: 'redis';
  name: string;
  connection: RedisConnection;
  /** The prefix of the cache's keys. */
  instanceName: string;
  /** Bytes that one node may use, for servers that do not name it. */
  maxMemoryBytes: number | undefined;
  /** The Azure resource whose metrics say how full the cache is. */
  resourceId: string | undefined;
}

/** The web app that uses a cache, by what it tells of itself in a Log Analytics workspace. */
export interface WebApp {
  kind: 'webApp';
  /** The name of its cache. */
  name: string;
  /** The workspace's id, a GUID. */
  workspace: string;
  /** Under which its telemetry is kept: `AppRoleName`. */
  role: string;
}

export interface KeyRing {
  kind: 'keyRing';
  name: string;
  store: RingStore;
  protector: RingProtector;
  policy: KeyRingPolicy;
  /** Names of the caches whose entries the ring protects. */
  caches: string[];
}

export type RingStore =
  | { kind: 'folder'; path: string }
  | { kind: 'blob'; address: BlobAddress; container: string; blob: string }
  | { kind: 'redis'; connection: RedisConnection; key: string }
  | RingTable;

/** A ring that Entity Framework keeps in a table. */
export type RingTable = SqlTable;

export type RingProtector =
  | { kind: 'none' }
  | { kind: 'keyVault'; keyId: string }
  | { kind: 'certificate'; certificates: CertificateFile[] };
