import { once } from '../../once.ts';
import type { Kept } from '../keptFacts.ts';
import type { SqlServerConnections } from './connections.ts';
import * as statements from './statements.ts';

/** What the server says of itself, once per run: the one place where editions and versions are told apart. */
export interface ServerTraits {
  /** Azure SQL Database, or in Fabric, which have sys.dm_db_resource_stats. */
  azureSqlDatabase: boolean;
  queryStore: boolean;
  productVersion: string;
  onlineIndexBuild: boolean;
  resumableIndexBuild: boolean;
  /** CREATE INDEX … WAIT_AT_LOW_PRIORITY. */
  lowPriorityWait: boolean;
}

/**
 * Engine editions (SERVERPROPERTY): 3 Enterprise, Developer, Evaluation; 5 Azure SQL Database; 8 Managed Instance; 12 SQL
 * database in Fabric. Later ones are taken for services of Azure, which have what the newest version has, whatever version
 * they name.
 */
const isCloud = (edition: number) => edition === 5 || edition === 8 || edition >= 12;

/**
 * Asks once; a failure is forgotten, so that the next statement asks again.
 * @param kept what an earlier run learnt
 */
export function serverTraits(
  connections: SqlServerConnections,
  kept: Pick<Kept<ServerTraits>, 'read' | 'write'>,
): () => Promise<ServerTraits> {
  return once(async () => {
    const before = kept.read();
    if (before) return before;
    const traits = await read(connections);
    kept.write(traits);
    return traits;
  }, 'forgotten');
}

async function read(connections: SqlServerConnections): Promise<ServerTraits> {
  const [row] = await connections.query<{ engineEdition: number; productVersion: string }>('read', statements.traits());
  const edition = row?.engineEdition ?? 0;
  const version = Number.parseInt(row?.productVersion ?? '0', 10);
  const cloud = isCloud(edition);
  const online = cloud || edition === 3;
  return {
    azureSqlDatabase: edition === 5 || edition >= 12,
    productVersion: row?.productVersion ?? 'unknown',
    // Query Store came with 2016 (13).
    queryStore: cloud || version >= 13,
    onlineIndexBuild: online,
    // Resumable CREATE INDEX came with 2019 (15), its low-priority wait with 2022 (16).
    resumableIndexBuild: online && (cloud || version >= 15),
    lowPriorityWait: online && (cloud || version >= 16),
  };
}
