import { countOf } from '../../wording.ts';
import { endpointName } from '../redisConnection.ts';
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
    judge: ({ connection: { remarks, serviceName }, sentinels: [sentinel] }) =>
      sentinel && serviceName === undefined
        ? {
            level: 'warning',
            what: 'The connection string leads to a Sentinel, and does not say `serviceName`.',
            advice: `The client of the apps then takes the Sentinel for the cache, which it is not. Add \`serviceName=${sentinel.view.service}\`.`,
          }
        : remarks.length !== 0 && {
            level: 'warning',
            what: `In the connection string, ${remarks.join('; ')}.`,
            advice: 'See whether the watch reaches the right servers without it.',
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
    check: 'primaryDown',
    judge: ({ sentinels }) => {
      const lost = sentinels.filter(({ view }) => view.primaryDown !== null);
      const [first] = lost;
      if (!first) return undefined;
      const dead = lost.some(({ view }) => view.primaryDown === 'objective');
      return {
        level: dead ? 'critical' : 'warning',
        what: `${lost.length} of ${countOf(sentinels.length, 'Sentinel')} ${lost.length === 1 ? 'does' : 'do'} not reach the primary ${endpointName(first.view.primary)}${dead ? ': they hold it for dead, and have not failed over yet' : ''}.`,
        advice:
          'Until the failover apps cannot write, and nobody signs in anew. Bring the primary back; if no failover comes, see whether a replica is left and the Sentinels have a quorum (`SENTINEL FAILOVER` begins one by hand).',
      };
    },
  },
  {
    check: 'sentinelQuorum',
    judge: ({ sentinels }) => {
      const alone = sentinels.filter(({ view }) => view.quorum === false);
      if (alone.length === 0 && sentinels.some(({ view }) => view.quorum === null))
        return { unseen: 'whether the Sentinels have a quorum' };
      return (
        alone.length > 0 && {
          level: 'warning',
          what: `${alone.map(({ node }) => node).join(', ')}: too few Sentinels reach each other to agree on a failover.`,
          advice:
            'When the primary dies, nothing takes its place. Bring the missing Sentinels back (`SENTINEL CKQUORUM` tells whether there are enough), three or more on machines of their own.',
        }
      );
    },
  },
  {
    check: 'sentinelsDisagree',
    judge: ({ sentinels }) => {
      const primaries = [...new Set(sentinels.map(({ view }) => endpointName(view.primary)))];
      return (
        primaries.length > 1 && {
          level: 'warning',
          what: `The Sentinels name different primaries: ${primaries.join(', ')}.`,
          advice:
            'Right after a failover that passes by itself. Where it lasts, apps write to different servers: `SENTINEL RESET` on those with the old address.',
        }
      );
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
