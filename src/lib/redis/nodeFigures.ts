import { z } from 'zod';
import { InfoText } from './infoText.ts';

const figure = z.number().nullable();

/** Counts since the server's start. */
export const counters = z.object({
  evicted: figure,
  expired: figure,
  rejectedConnections: figure,
  refusedWrites: figure.meta({ description: 'Commands refused since memory was full.' }),
  hits: figure,
  misses: figure,
});
export type Counters = z.infer<typeof counters>;

export const memoryFigures = z.object({
  usedBytes: figure,
  maxBytes: figure.meta({ description: '0: the server sets no limit.' }),
  peakBytes: figure,
  rssBytes: figure,
  fragmentationRatio: figure,
  policy: z.string().nullable(),
});

export const clientFigures = z.object({ connected: figure, limit: figure, blocked: figure });

export const databaseFigures = z.object({ database: z.int(), keys: z.number(), keysWithoutTtl: figure });
export type DatabaseFigures = z.infer<typeof databaseFigures>;

export const replicationFigures = z.object({
  replicas: figure,
  linkUp: z.boolean().nullable().meta({ description: 'Of a replica.' }),
  linkDownSeconds: figure,
  primary: z.string().nullable(),
});

export const nodeRole = z.enum(['primary', 'replica']).nullable();

/** What INFO says of a node. Null where the server does not name it: managed services leave out many fields. */
export type NodeFigures = ReturnType<typeof readFigures>;

/** The figures of an INFO answer of Redis 6 and later, Valkey, Garnet, and Azure's services. */
export function readFigures(text: string) {
  const info = new InfoText(text);
  // Garnet counts clients and connections only where its metrics are sampled; else it says 0 of each.
  const counted = info.text('monitor_task') !== 'disabled';
  const mode = info.text('redis_mode') ?? info.text('server_mode');
  const said = info.text('role');
  const role: z.infer<typeof nodeRole> =
    said === 'master' ? 'primary' : said === 'slave' || said === 'replica' ? 'replica' : null;
  return {
    software: software(info),
    // Changes with each start of the server.
    runId: info.text('run_id'),
    uptimeSeconds: info.number('uptime_in_seconds'),
    role,
    // As in Redis, a cursor of SCAN is a place in a hash table; in Garnet it is an address in a log.
    scansHashTable: info.text('garnet_version') === null,
    cluster: info.flag('cluster_enabled') ?? mode === 'cluster',
    sentinel: mode === 'sentinel',
    // The server reads its data from disk, and answers no other command yet.
    loading: info.flag('loading')
      ? { percent: info.number('loading_loaded_perc'), secondsLeft: info.number('loading_eta_seconds') }
      : null,
    memory: {
      usedBytes: info.number('used_memory'),
      maxBytes: info.number('maxmemory'),
      peakBytes: info.number('used_memory_peak'),
      rssBytes: info.number('used_memory_rss') ?? info.number('proc_physical_memory_size'),
      fragmentationRatio: info.number('mem_fragmentation_ratio') ?? ratio(info),
      policy: info.text('maxmemory_policy'),
    },
    counters: {
      evicted: info.number('evicted_keys'),
      expired: info.number('expired_keys'),
      rejectedConnections: counted ? info.number('rejected_connections') : null,
      refusedWrites: refusedWrites(info),
      hits: info.number('keyspace_hits'),
      misses: info.number('keyspace_misses'),
    },
    clients: {
      connected: counted ? info.number('connected_clients') : null,
      limit: info.number('maxclients'),
      blocked: info.number('blocked_clients'),
    },
    databases: databases(info),
    persistence: {
      aof: info.flag('aof_enabled'),
      // Seconds since 1970; a server that has never saved names its start.
      lastSaveAt: info.number('rdb_last_save_time'),
      lastSaveOk: info.text('rdb_last_bgsave_status') === null ? null : info.text('rdb_last_bgsave_status') === 'ok',
      saves: info.number('rdb_saves'),
      changesSinceSave: info.number('rdb_changes_since_last_save'),
    },
    replication: {
      replicas: info.number('connected_slaves'),
      linkUp: info.text('master_link_status') === null ? null : info.text('master_link_status') === 'up',
      linkDownSeconds: info.number('master_link_down_since_seconds'),
      primary: info.text('master_host') && `${info.text('master_host')}:${info.text('master_port') ?? ''}`,
    },
  };
}

/** Others go on naming a `redis_version`, that of the Redis which they are compatible with. */
function software(info: InfoText): string {
  for (const name of ['Valkey', 'Garnet']) {
    const version = info.text(`${name.toLowerCase()}_version`);
    if (version) return `${name} ${version}`;
  }
  return `Redis ${info.text('redis_version') ?? 'of unknown version'}`;
}

/** Redis 6.2 and later count the error OOM; Azure Cache for Redis under a name of its own. */
function refusedWrites(info: InfoText): number | null {
  const [errors] = info.records(/^errorstat_OOM$/);
  if (errors) return Number(errors.values.get('count'));
  return info.number('total_oom_messages') ?? (info.hasSection('Errorstats') ? 0 : null);
}

/** Azure Cache for Redis leaves the ratio out. */
function ratio(info: InfoText): number | null {
  const [rss, used] = [info.number('used_memory_rss'), info.number('used_memory')];
  return rss === null || !used ? null : Math.round((rss / used) * 100) / 100;
}

/** The databases that hold keys; null where the server does not say: Garnet leaves the section out of a plain INFO. */
function databases(info: InfoText): DatabaseFigures[] | null {
  const records = info.records(/^db\d+$/);
  if (records.length === 0 && !info.hasSection('Keyspace')) return null;
  return records.map(({ name, values }) => {
    const keys = Number(values.get('keys') ?? 0);
    const expires = values.get('expires');
    return {
      database: Number(name.slice(2)),
      keys,
      keysWithoutTtl: expires === undefined ? null : Math.max(0, keys - Number(expires)),
    };
  });
}

/** What an answer to INFO says of the keys; see {@link NodeFigures}. */
export function readDatabases(text: string): DatabaseFigures[] | null {
  return databases(new InfoText(text));
}
