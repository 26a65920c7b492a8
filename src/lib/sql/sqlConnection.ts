import type { TokenNeed } from '../azure/credentials.ts';

/** What a connection string of a SQL cache says, whatever its engine. Secrets in it show themselves to nobody. */
export interface SqlConnection {
  host: string;
  /** Undefined for a named instance of SQL Server, whose port the driver asks for. */
  port: number | undefined;
  /** `host:port` or `host\instance`, the same for every cache of one server. */
  server: string;
  database: string | undefined;
  /** Undefined where the client uses none. */
  tls: SqlTls | undefined;
  /** Undefined where a password stands for itself. */
  token: TokenNeed | undefined;
  /** The apps' pool: this tool has connections of its own. */
  pool: { on: boolean; size: number | undefined };
  /** What of the string is not followed, in words for a reader; never a value. */
  remarks: string[];
}

export interface SqlTls {
  /** The name that the certificate must have. */
  name: string;
  /** False where the client takes any certificate. */
  checked: boolean;
  /** The client checks who signed it, and not for which name (`SSL Mode=VerifyCA`). */
  anyName?: boolean;
  /** Certificates of private authorities, in PEM. */
  ca?: string | undefined;
  /** TLS before all else (TDS 8, `SSL Negotiation=Direct`). */
  direct?: boolean;
}

/** The apps' pool, by the keywords that both connection strings have for it. */
export function poolOf(pooling: string | undefined, size: string | undefined): SqlConnection['pool'] {
  return { on: !/^(false|no)$/i.test(pooling ?? ''), size: size === undefined ? undefined : Number(size) };
}
