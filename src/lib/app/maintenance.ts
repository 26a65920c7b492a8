import type { ClearRequest } from '../clearRequest.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { KeyUse } from '../keyRing/entries/cachedEntries.ts';
import type { SubjectKind } from '../runs/catalogue.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import type { JobOn, Log } from '../runs/runJob.ts';
import type { Settings } from '../settings/settings.ts';
import type { KeptFacts } from '../sql/keptFacts.ts';
import { type AppMaintenance, appMaintenance } from './appMaintenance.ts';
import { type DiagnosisMaintenance, diagnosisMaintenance, everySubject } from './diagnosisMaintenance.ts';
import { type KeyRingMaintenance, keyRingMaintenance } from './keyRingMaintenance.ts';
import { type RedisMaintenance, redisMaintenance } from './redisMaintenance.ts';
import { type SqlMaintenance, sqlMaintenance } from './sqlMaintenance.ts';
import { judgeOf } from './unreadableEntries.ts';

/** The jobs of this project, put together from the settings. Adapters are chosen in this folder, and nowhere else. */
export class Maintenance {
  readonly records: RecordStore;
  /** All subjects of the settings, those that cannot be used included: their runs fail with the reason. */
  readonly names: Readonly<Record<SubjectKind, string[]>>;
  readonly sqlCaches: SqlMaintenance;
  readonly redisCaches: RedisMaintenance;
  readonly webApps: AppMaintenance;
  readonly keyRings: KeyRingMaintenance;
  readonly diagnosis: DiagnosisMaintenance;

  readonly #settings: Settings;
  readonly #clock: Clock;

  constructor(settings: Settings, log: Log, records: RecordStore, clock: Clock = systemClock, kept?: KeptFacts) {
    this.records = records;
    this.#settings = settings;
    this.#clock = clock;
    const { sqlCaches: sqlCache, redisCaches: redisCache, rings: keyRing } = settings.names;
    const cache = [...sqlCache, ...redisCache];
    const webApp = settings.webApps.map(({ name }) => name);
    this.names = {
      sqlCache,
      redisCache,
      cache,
      webApp,
      keyRing,
      any: [...new Set([everySubject, ...cache, ...keyRing])],
    };
    const runs = { clock, log, records };
    this.sqlCaches = sqlMaintenance(settings, runs, kept);
    this.redisCaches = redisMaintenance(settings, runs);
    this.webApps = appMaintenance(settings, runs);
    this.keyRings = keyRingMaintenance(settings, runs, (caches) => this.#keyUse(caches));
    this.diagnosis = diagnosisMaintenance(settings, runs, {
      redis: this.redisCaches,
      rings: this.keyRings,
      webApps: this.webApps,
    });
  }

  /** Deletes every entry of a cache, alive or not, or the unreadable alone; a plan, unless confirmed with the cache's name. */
  readonly clear: JobOn<'clear', ClearRequest> = (cache, started, request = {}, options = {}) => {
    const { unreadable } = request;
    const judge = unreadable && judgeOf(cache, unreadable, this.#settings, this.keyRings, this.#clock, options.signal);
    const caches = this.#isRedis(cache) ? this.redisCaches : this.sqlCaches;
    return caches.clear(cache, started, { ...request, judge }, options);
  };

  #isRedis(cache: string): boolean {
    return this.names.redisCache.includes(cache);
  }

  /** Which keys the entries of these caches name. */
  async #keyUse(caches: readonly string[]): Promise<KeyUse[]> {
    // SQL caches may share a server: one after the other.
    const ofSql = async () => {
      const uses: KeyUse[] = [];
      for (const name of caches) if (!this.#isRedis(name)) uses.push(await this.sqlCaches.keyUse(name));
      return uses;
    };
    const ofRedis = caches.filter((name) => this.#isRedis(name)).map((name) => this.redisCaches.keyUse(name));
    const [sql, ...redis] = await Promise.all([ofSql(), ...ofRedis]);
    return [...sql, ...redis];
  }
}
