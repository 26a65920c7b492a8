import type { CacheSubject } from '../subject.ts';
import type { Rule } from './rule.ts';

/** The cache as a whole: how the apps connect, and whether all of it is there. */
export const cacheRules: Rule<CacheSubject>[] = [
  {
    check: 'abortConnect',
    judge: ({ connection }) =>
      connection.abortConnect && {
        level: 'warning',
        what: 'The connection string does not say abortConnect=false.',
        advice:
          'An app that starts while Redis is away gives up for good, and must be restarted. Add `abortConnect=False` to the connection string.',
      },
  },
  {
    check: 'connectionOptions',
    judge: ({ connection: { remarks } }) =>
      remarks.length !== 0 && {
        level: 'warning',
        what: `In the connection string, ${remarks.join('; ')}.`,
        advice: 'Correct the spelling, or see whether the watch reaches the right servers without it.',
      },
  },
  {
    check: 'clusterSlots',
    judge: ({ slotsUncovered, cluster }) =>
      cluster && slotsUncovered === null
        ? { unseen: 'which nodes of the cluster serve which slots' }
        : !!slotsUncovered && {
            level: 'critical',
            what: `No node serves ${slotsUncovered} of the 16,384 slots of the cluster.`,
            advice:
              'Users whose entries belong there cannot sign in; with cluster-require-full-coverage nobody can. Bring the missing primary back, or fail over to its replica.',
          },
  },
  {
    check: 'resourceMetrics',
    judge: ({ resourceProblem }) =>
      resourceProblem !== null && {
        level: 'warning',
        what: resourceProblem,
        advice: 'Check TOKEN_CACHE_RESOURCE_ID, and give the identity the role Monitoring Reader on the resource.',
      },
  },
  {
    check: 'commandRefused',
    judge: ({ refused }) =>
      refused.length !== 0 && {
        level: 'info',
        what: `A part of the look was not possible. ${[...new Set(refused)].join(' ')}`,
        advice:
          'Give the user the right to look: `ACL SETUSER name +info +ping +scan +pttl +type +cluster|slots ~*` reads no entry.',
      },
  },
];
