/**
 * Sample apps that compile with the real packages (test/interop/apps/samples): what is read of their source is held against what
 * the real container and the real options are in them, and what is found against what is wrong with each.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/freePort.ts';
import { diagnoseWebApps } from '../../src/lib/app/webAppDiagnosis.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { registry } from '../../src/lib/findings/diagnosis/registry.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import {
  isKnown,
  knownDuration,
  knownFlag,
  knownNumber,
  knownText,
  type Value,
} from '../../src/lib/webApp/csharp/value.ts';
import { readWebApps } from '../../src/lib/webApp/readWebApps.ts';
import { readSources } from '../../src/lib/webApp/sources/sources.ts';
import { type World, worldsOf } from '../../src/lib/webApp/world.ts';
import { curedApp } from '../support/cureApp.ts';
import { buildDotnet, dotnet, dotnetFound, dotnetTimeLimitMs } from '../support/dotnet.ts';
import { faults, names, samples } from '../support/sampleApps.ts';

const settings = readSettings({}, 'file');

describe('the sample apps', () => {
  it.each(names)('%s: what is wrong with it is found, and nothing else', async (name) => {
    const apps = await diagnoseWebApps(join(samples, name), settings, systemClock);
    const reports = apps.flatMap((app) => app.reports);
    expect(reports).toHaveLength(registry.app.length);
    const troubles = reports.filter(({ status }) => status !== 'pass');
    expect(troubles.map(({ status, check, cause }) => `${status} ${check} ${cause}`)).toEqual(faults[name] ?? []);
    for (const { evidence, advice } of troubles) {
      expect(evidence.some(({ value }) => /^\w+\.(cs|json):\d+$/.test(String(value)))).toBe(true);
      expect(advice).not.toBe('');
    }
    expect(JSON.stringify(reports)).not.toMatch(/not-a-secret|cache\.example\.com/);
  });

  it('are sound in ten cases and more', () => {
    expect(names.filter((name) => !(name in faults)).length).toBeGreaterThanOrEqual(10);
  });
});

/** Whose cure lies outside of the source, or is for somebody to choose. */
const elsewhere = ['connection-outside', 'unknown-at-run-time', 'unknown-condition'];
const curable = Object.keys(faults).filter((name) => !elsewhere.includes(name));
const cured = new Map<string, string>();
afterAll(() => {
  for (const folder of cured.values()) rmSync(folder, { recursive: true, force: true });
});

describe('what the advice says, done to the app', () => {
  it.each(curable)('cures %s', async (name) => {
    const look = async (path: string) =>
      (await diagnoseWebApps(path, settings, systemClock)).flatMap((app) => app.reports);
    const before = await look(join(samples, name));
    const trouble = before.find(({ status }) => status !== 'pass');
    if (!trouble) throw new Error('nothing was found');
    const folder = curedApp(name, trouble);
    cured.set(name, folder);
    const after = (await look(folder)).find(({ check }) => check === trouble.check);
    expect(after, readFileSync(join(folder, 'Program.cs'), 'utf8')).toMatchObject({ status: 'pass' });
  });
});

interface Answer {
  errors: string[];
  failure?: string;
  tokenCache: string | null;
  distributedCache: string | null;
  dataProtection: boolean;
  options: Record<string, unknown>;
}

describe.skipIf(!dotnetFound)('the real packages', () => {
  let program: string;
  let answers: Map<string, Answer>;
  beforeAll(() => {
    program = buildDotnet('AppsHost');
    const folders = [
      ...names.map((name) => [name, join(samples, name)]),
      ...[...cured].map(([name, path]) => [`cured ${name}`, path]),
    ];
    const output = JSON.parse(dotnet([program], JSON.stringify(folders.map(([, path]) => path)))) as Answer[];
    answers = new Map(folders.map(([name = ''], index) => [name, output[index] as Answer]));
  }, dotnetTimeLimitMs);

  it.each(names)('compile and start %s, and are what its source was read as', async (name) => {
    const answer = answers.get(name);
    expect(answer?.errors).toEqual([]);
    expect(answer?.failure).toBeUndefined();
    const [app] = await readWebApps(await readSources(join(samples, name), 50_000_000));
    if (!app || !answer) throw new Error('there is an app');
    // This run is one of those that a run alone knows.
    const same = worldsOf(app)
      .all.map(readAs)
      .find((each) => each.tokenCache === answer.tokenCache && each.distributedCache === answer.distributedCache);
    expect(same).toBeDefined();
    for (const [option, value] of Object.entries(same?.options ?? {}))
      expect([option, value]).toEqual([option, answer.options[option]]);
  });

  // The advice on a certificate names one that only its owner has.
  it.each(curable.filter((name) => name !== 'certificate-rotation'))('compile %s as the advice says', (name) => {
    expect(answers.get(`cured ${name}`)?.errors).toEqual([]);
  });

  it('of two registrations take the first, and Redis and SQL before memory in any order', () => {
    const of = (name: string) => [answers.get(name)?.tokenCache, answers.get(name)?.distributedCache];
    expect(of('two-registrations')).toEqual(['MsalMemoryTokenCacheProvider', 'RedisCacheImpl']);
    expect(of('later-registration')).toEqual(['MsalDistributedTokenCacheAdapter', 'RedisCacheImpl']);
    expect(of('no-distributed-cache')).toEqual(['MsalDistributedTokenCacheAdapter', 'MemoryDistributedCache']);
    expect(of('several-distributed-caches')[1]).toBe('SqlServerCache');
    expect(of('no-token-cache')).toEqual([null, null]);
  });

  it('ask a Redis that refuses at each hit of the L1 cache too, and do not fail', {
    timeout: dotnetTimeLimitMs,
  }, async () => {
    // Short, so that the test is: with the defaults each of them takes 5 s.
    const short = `127.0.0.1:${await freePort()},abortConnect=False,connectTimeout=100,connectRetry=0,asyncTimeout=100,syncTimeout=100`;
    const answers = JSON.parse(dotnet([program, 'refused-redis', short]));
    expect(answers.map(({ level }: { level: string }) => level)).toEqual(['None', 'L1Cache', 'L1Cache', 'L1Cache']);
    for (const { failures } of answers) {
      expect(failures.length).toBeGreaterThan(0);
      expect(new Set(failures)).toEqual(new Set(['RedisConnectionException']));
    }
  });

  it('register Data Protection by themselves in a web app, and in no other', () => {
    expect(answers.get('encrypt-own-keys')?.dataProtection).toBe(true);
    expect(answers.get('encrypt-without-protection')?.dataProtection).toBe(false);
  });
});

const providers = {
  memory: 'MsalMemoryTokenCacheProvider',
  distributed: 'MsalDistributedTokenCacheAdapter',
  session: '',
  own: '',
};
const caches = {
  memory: 'MemoryDistributedCache',
  redis: 'RedisCacheImpl',
  sqlserver: 'SqlServerCache',
  postgres: 'PostgresCache',
  other: '',
};

/** What the source says, in the words of the real thing; what it does not say, or is not known, is left out. */
function readAs(world: World) {
  const [winner] = world.tokenCaches;
  const isDistributed = world.tokenCaches.some(({ kind }) => kind === 'distributed');
  const adapter = 'MsalDistributedTokenCacheAdapterOptions';
  const duration = (value: Value) => {
    const ms = knownDuration(value);
    return ms === Number.POSITIVE_INFINITY ? -1 : ms;
  };
  const read: [string, string, string, (value: Value) => unknown][] = [
    ['encrypt', adapter, 'encrypt', knownFlag],
    ['disablel1cache', adapter, 'disablel1cache', knownFlag],
    ['onl2cachefailure', adapter, 'onl2cachefailure', isKnown],
    ['slidingexpiration', adapter, 'slidingexpiration', duration],
    ['absoluteexpirationrelativetonow', adapter, 'absoluteexpirationrelativetonow', duration],
    ['absoluteexpiration', adapter, 'absoluteexpiration', isKnown],
    ['l1cacheoptions.sizelimit', adapter, 'l1cacheoptions.sizelimit', knownNumber],
    ['memory.sizelimit', 'MemoryCacheOptions', 'sizelimit', knownNumber],
    ['redis.instancename', 'RedisCacheOptions', 'instancename', knownText],
    ['redis.configuration', 'RedisCacheOptions', 'configuration', knownText],
    ['sqlserver.schemaname', 'SqlServerCacheOptions', 'schemaname', knownText],
    ['sqlserver.tablename', 'SqlServerCacheOptions', 'tablename', knownText],
    ['sqlserver.expireditemsdeletioninterval', 'SqlServerCacheOptions', 'expireditemsdeletioninterval', duration],
    ['postgres.tablename', 'PostgresCacheOptions', 'tablename', knownText],
    ['postgres.expireditemsdeletioninterval', 'PostgresCacheOptions', 'expireditemsdeletioninterval', duration],
  ];
  const options = read.flatMap(([name, type, path, of]) => {
    const value = world.option(type, path);
    return isKnown(value) ? [[name, of(value)]] : [];
  });
  const name = world.call(/^SetApplicationName$/)?.args[0]?.value;
  return {
    tokenCache: winner ? providers[winner.kind] : null,
    // The distributed token caches bring the memory where there is nothing else (measured).
    distributedCache: world.store ? caches[world.store.kind] : isDistributed ? caches.memory : null,
    options: Object.fromEntries([...options, ...(name ? [['applicationdiscriminator', knownText(name)]] : [])]),
  };
}
