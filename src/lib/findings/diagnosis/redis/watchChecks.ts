import { type Check, outcomeOf, pass, type Symptom, unknown, worst } from '../../../checks/check.ts';
import { namesOfRules, recordStoreCheck } from '../../../redis/rules/rules.ts';
import type { RedisSubject } from '../subjects/redisSubject.ts';

/** The rules of the watch, each a check of its own. What is not named here belongs to memory. */
const symptomsOfRules: Record<string, Symptom> = {
  'redis-evictions': 'eviction',
  evictionPolicy: 'eviction',
  refusedWrites: 'eviction',
  keysWithoutTtl: 'memory',
  hitRatio: 'prompts',
  keyRingInCache: 'emptyAfterRestart',
  rejectedConnections: 'connection',
  clients: 'connection',
  persistence: 'emptyAfterRestart',
  saveFailed: 'emptyAfterRestart',
  replicationLink: 'emptyAfterRestart',
  restarted: 'emptyAfterRestart',
  slowPing: 'slow',
  clusterSlots: 'connection',
  primaryDown: 'connection',
  sentinelQuorum: 'connection',
  sentinelsDisagree: 'connection',
  connectionOptions: 'connection',
  resourceMetrics: 'memory',
  commandRefused: 'connection',
  'redis-unreachable': 'connection',
};

/** `abortConnect` is among the advice on the connection string; the watch's readings are not kept here. */
const elsewhere = new Set(['abortConnect', recordStoreCheck]);
/** As `info`, they say what could not be seen. */
const unseen: Record<string, string> = {
  noMemoryLimit: 'memory_limit_unknown',
  commandRefused: 'command_refused',
  slowPing: 'event_loop_late',
};

/** `slowPing` → `slow_ping`, `redis-evictions` → `evictions`. */
const causeOf = (rule: string) => rule.replace(/^redis-/, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export const watchChecks: Check<RedisSubject>[] = [...namesOfRules]
  .filter(([rule]) => !elsewhere.has(rule))
  .map(([rule, names]) => ({
    id: `redis-${causeOf(rule).replaceAll('_', '-')}`,
    symptom: symptomsOfRules[rule] ?? 'memory',
    timeLimitMs: 25_000,
    run: async (subject) => {
      const { findings, unjudged = [], nodes } = await subject.watch();
      const outcomes = findings
        .filter(({ check }) => names.includes(check))
        .map((found) => {
          const { level, node, what, advice } = found;
          const figures = node === null ? [] : [{ what: 'node', value: node }];
          const isUnseen = level === 'info' && unseen[rule];
          return isUnseen ? unknown(isUnseen, what, advice, figures) : outcomeOf(found, causeOf(rule), figures);
        });
      const missing = [...new Set(unjudged.flatMap((each) => (each.check === rule ? each.missing : [])))];
      if (missing.length > 0)
        outcomes.push(
          unknown(
            'figure_missing',
            `The server does not tell ${missing.join(', nor ')}.`,
            "Look it up in the server's own monitoring: nothing can be said about it here.",
          ),
        );
      return worst(outcomes, pass(`Nothing found (${rule}).`, [{ what: 'nodes', value: nodes.length }]));
    },
  }));
