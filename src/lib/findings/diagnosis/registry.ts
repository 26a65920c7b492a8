import type { Check } from '../../checks/check.ts';
import type { AppSubject } from './app/appSubject.ts';
import { configuredChecks } from './app/configuredChecks.ts';
import { encryptionChecks as appEncryptionChecks } from './app/encryptionChecks.ts';
import { optionChecks } from './app/optionChecks.ts';
import { registrationChecks } from './app/registrationChecks.ts';
import { scopeChecks } from './app/scopeChecks.ts';
import { sourceChecks } from './app/sourceChecks.ts';
import { type TelemetrySubject, telemetryChecks } from './app/telemetryChecks.ts';
import { connectionChecks } from './connection/connectionChecks.ts';
import { clockCheck, latencyCheck } from './connection/timeChecks.ts';
import { encryptionChecks } from './entries/encryptionChecks.ts';
import { formatChecks } from './entries/formatChecks.ts';
import { entryGrowthChecks } from './entries/growthChecks.ts';
import { keyChecks } from './entries/keyChecks.ts';
import { instanceNameCheck } from './redis/instanceNameCheck.ts';
import { watchChecks } from './redis/watchChecks.ts';
import { ringChecks } from './ring/ringChecks.ts';
import { type SelfSubject, selfChecks } from './self/selfChecks.ts';
import { deadRowsCheck } from './sql/deadRows.ts';
import { appPurgeCheck, sqlGrowthChecks } from './sql/growthChecks.ts';
import { schemaChecks } from './sql/schemaChecks.ts';
import type { RedisSubject } from './subjects/redisSubject.ts';
import type { RingSubject } from './subjects/ringSubject.ts';
import type { SqlSubject } from './subjects/sqlSubject.ts';

/** Every check there is, by what it looks at. A new one is a module, and a line here. */
const ofEntries = [...encryptionChecks, ...formatChecks, ...entryGrowthChecks, ...keyChecks];

export const registry: {
  sql: readonly Check<SqlSubject>[];
  redis: readonly Check<RedisSubject>[];
  ring: readonly Check<RingSubject>[];
  app: readonly Check<AppSubject>[];
  telemetry: readonly Check<TelemetrySubject>[];
  self: readonly Check<SelfSubject>[];
} = {
  sql: [
    ...connectionChecks<SqlSubject>('connection', (subject) => subject),
    latencyCheck,
    clockCheck,
    ...ofEntries,
    ...sqlGrowthChecks,
    appPurgeCheck,
    ...schemaChecks,
    deadRowsCheck,
  ],
  redis: [
    ...connectionChecks<RedisSubject>('connection', (subject) => subject),
    latencyCheck,
    clockCheck,
    instanceNameCheck,
    ...ofEntries,
    ...watchChecks,
  ],
  ring: [
    ...connectionChecks<RingSubject>('ring-store', ({ store }) => store),
    ...connectionChecks<RingSubject>('ring-protector', ({ protector }) => protector),
    ...ringChecks,
  ],
  app: [
    ...registrationChecks,
    ...appEncryptionChecks,
    ...optionChecks,
    ...configuredChecks,
    ...scopeChecks,
    ...sourceChecks,
  ],
  telemetry: telemetryChecks,
  self: selfChecks,
};
