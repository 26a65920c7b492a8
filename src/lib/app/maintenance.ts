import type { ClearRequest } from '../clearRequest.ts';
import { type Clock, systemClock } from '../clock.ts';
import { allCachedEntries, type CachedEntries } from '../keyRing/cachedEntries.ts';
import { SqlCachedEntries } from '../keyRing/sqlCachedEntries.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import type { Asked, Log, RunOptions, RunResult, Started } from '../runs/runJob.ts';
import type { Settings } from '../settings/settings.ts';
import { sqlCacheFor } from './cachesOfEngine.ts';
import { openTable } from './cacheTables.ts';
import { DiagnosisMaintenance } from './diagnosisMaintenance.ts';
import { KeyRingMaintenance } from './keyRingMaintenance.ts';
import { RedisMaintenance } from './redisMaintenance.ts';
import { SqlMaintenance } from './sqlMaintenance.ts';

/** The jobs of this project, put together from the settings. Adapters are chosen in this folder, and nowhere else. */
export class Maintenance {
  readonly #settings: Settings;
  readonly records: RecordStore;
  readonly sqlCaches: SqlMaintenance;
  readonly redisCaches: RedisMaintenance;
  readonly keyRings: KeyRingMaintenance;
  readonly diagnosis: DiagnosisMaintenance;

  constructor(settings: Settings, log: Log, records: RecordStore, clock: Clock = systemClock) {
    this.#settings = settings;
    this.records = records;
    const runs = { clock, log, records };
    this.sqlCaches = new SqlMaintenance(settings, runs);
    this.redisCaches = new RedisMaintenance(settings, runs);
    this.keyRings = new KeyRingMaintenance(settings, runs, (caches) => this.#entriesOf(caches));
    this.diagnosis = new DiagnosisMaintenance(settings, runs, { redis: this.redisCaches, rings: this.keyRings });
  }

  /** Every cache, of whatever engine. */
  cacheNames(): string[] {
    return [...this.sqlCaches.names(), ...this.redisCaches.names()];
  }

  /** Deletes every entry of a cache, alive or not; a plan, unless confirmed with the cache's name. */
  clear(
    cache: string,
    started: Started,
    request: Asked<ClearRequest> = {},
    options: RunOptions = {},
  ): Promise<RunResult<'clear'>> {
    const kind = this.redisCaches.names().includes(cache) ? this.redisCaches : this.sqlCaches;
    return kind.clear(cache, started, request, options);
  }

  /** Which keys the entries of these caches name. */
  #entriesOf(caches: readonly string[]): CachedEntries {
    const { redisCaches, statementTimeoutMs } = this.#settings;
    const isRedis = (name: string) => redisCaches.some((cache) => cache.name === name);
    const sql = new SqlCachedEntries(
      caches
        .filter((name) => !isRedis(name))
        .map((name) => ({
          name,
          open: async () => openTable(sqlCacheFor(this.#settings, 'counts', name), statementTimeoutMs),
        })),
    );
    const redis = caches.filter(isRedis).map((name) => this.redisCaches.cachedEntries(name));
    return allCachedEntries([sql, ...redis]);
  }
}
