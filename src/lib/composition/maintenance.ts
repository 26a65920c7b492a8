import { type Clock, systemClock } from '../clock.ts';
import { SqlCachedEntries } from '../keyRing/sqlCachedEntries.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import type { Log } from '../runs/runJob.ts';
import type { Settings } from '../settings/settings.ts';
import { cacheFor } from './cachesOfEngine.ts';
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

  /** Which keys the entries of these caches name. Redis caches have no index by key, and are not looked into. */
  #entriesOf(caches: readonly string[]): SqlCachedEntries {
    const { caches: all, statementTimeoutMs } = this.#settings;
    const ofSql = caches.filter((name) => all.find((cache) => cache.name === name)?.engine !== 'redis');
    return new SqlCachedEntries(
      ofSql.map((name) => ({
        name,
        open: async () => openTable(cacheFor(this.#settings, 'counts', name), statementTimeoutMs),
      })),
    );
  }
}
