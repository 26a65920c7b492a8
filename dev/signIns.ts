import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Pool } from '../src/lib/sql/postgres/client.ts';
import * as redisEntries from './redisSignIns.ts';
import type { Scenario } from './scenarios.ts';
import { cacheTable, type LocalServices } from './services.ts';
import * as sqlEntries from './sqlSignIns.ts';
import { ownKey, tokenEntries } from './tokenEntries.ts';

/**
 * Users who come and go in the background, so that entries come alive and expire: a user who comes back finds the entry and
 * slides its expiry, or signs in again. Their number rises and falls, as in the course of a day, but within minutes.
 */
export interface SignIns {
  stop(): Promise<void>;
}

interface Cache {
  /** False where the user has no live entry. */
  find(key: string): Promise<boolean>;
  write(key: string): Promise<void>;
  close(): Promise<unknown>;
}

interface Traffic {
  users: number;
  visitsPerSecond: number;
  /** All users have signed in when it begins: else a watch would see a cache that hardly anybody finds an entry in. */
  warm: boolean;
}

/** So few visits of so many users that a good part of the entries expires. */
const sqlTraffic: Traffic = { users: 10_000, visitsPerSecond: 200, warm: false };
const redisTraffic: Traffic = { users: 2_000, visitsPerSecond: 80, warm: true };
/** A token lives for an hour, and its entry slides by that; here it is over after 45 s, so that something expires while one looks on. */
const lifetime = { slidingSeconds: 3_600, livesSeconds: 45 };
/** Values of which each sign-in writes one. */
const valueCount = 500;
const tickMs = 100;
const dayMs = 5 * 60_000;
const appPurgeEveryMs = 3_000;
/** Share of the visits by users who were never there before; each takes the place of one who leaves for good. */
const newUsers = 0.05;
/** Beyond that the caches do not keep up, and visits are left out. */
const mostAtOnce = 200;

export function startSignIns(
  { sqlCache, redisCache, key }: Pick<LocalServices, 'sqlCache' | 'redisCache' | 'key'>,
  onFailure: (message: string) => void,
  { strayInstance = false, appPurge = false }: Pick<Scenario, 'strayInstance' | 'appPurge'> = {},
): SignIns {
  const stray = strayInstance ? tokenEntries(ownKey(), valueCount) : [];
  const values = [...tokenEntries(key ?? ownKey(), valueCount), ...stray];
  const value = () => values[Math.floor(Math.random() * values.length)] ?? Buffer.alloc(0);
  const loads = [
    ...(sqlCache ? [visit(openSqlCache(sqlCache, value), sqlTraffic, onFailure)] : []),
    ...(sqlCache && appPurge ? [purgeItself(sqlCache)] : []),
    ...(redisCache ? [visit(openRedisCache(redisCache, value), redisTraffic, onFailure)] : []),
  ];
  return { stop: async () => void (await Promise.all(loads.map((stop) => stop()))) };
}

/** Begins the visits; the result ends them. */
function visit(cache: Cache, traffic: Traffic, onFailure: (message: string) => void): () => Promise<void> {
  const tenant = randomUUID();
  const newUser = () => `${randomUUID()}.${tenant}`;
  const users = Array.from({ length: traffic.users }, newUser);
  const start = performance.now();
  const pending = new Set<Promise<void>>();
  let due = 0;
  let failed = false;
  const comeBack = async () => {
    const place = Math.floor(Math.random() * users.length);
    if (Math.random() < newUsers) users[place] = newUser();
    const key = users[place] ?? '';
    if (!(await cache.find(key))) await cache.write(key);
  };
  const attempt = (work: Promise<void>) => {
    const visit: Promise<void> = work
      .catch((error: Error) => {
        // Said once: the caches may be down for long.
        if (!failed) onFailure(error.message);
        failed = true;
      })
      .finally(() => pending.delete(visit));
    pending.add(visit);
  };
  if (traffic.warm) for (const user of users) attempt(cache.write(user));
  const timer = setInterval(() => {
    const dayTime = ((performance.now() - start) / dayMs) * 2 * Math.PI;
    due += (traffic.visitsPerSecond * tickMs * (1 + 0.4 * Math.sin(dayTime))) / 1_000;
    for (; due >= 1; due -= 1) {
      if (pending.size >= mostAtOnce) continue;
      attempt(comeBack());
    }
  }, tickMs);
  return async () => {
    clearInterval(timer);
    failed = true;
    await Promise.all(pending);
    await cache.close();
  };
}

/** What the library does for each instance of a web app, every half hour unless that says otherwise. */
function purgeItself(url: string): () => Promise<void> {
  const pool = new Pool({ connectionString: url, max: 1 });
  pool.on('error', () => undefined);
  const timer = setInterval(
    () => void sqlEntries.deleteExpired(pool, cacheTable).catch(() => undefined),
    appPurgeEveryMs,
  );
  return async () => {
    clearInterval(timer);
    await pool.end();
  };
}

function openSqlCache(url: string, value: () => Buffer): Cache {
  const pool = new Pool({ connectionString: url, max: 4 });
  return {
    find: (key) => sqlEntries.readAndSlide(pool, cacheTable, key, lifetime),
    write: (key) => sqlEntries.writeEntry(pool, cacheTable, key, value(), lifetime),
    close: () => pool.end(),
  };
}

function openRedisCache(connectionString: string, value: () => Buffer): Cache {
  const [host = '', port] = connectionString.split(',', 1)[0]?.split(':') ?? [];
  const redis = new Redis({ host, port: Number(port), enableOfflineQueue: true, maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined);
  return {
    find: (key) => redisEntries.readAndSlide(redis, key, lifetime),
    write: (key) => redisEntries.writeEntry(redis, key, value(), lifetime),
    close: async () => redis.disconnect(),
  };
}
