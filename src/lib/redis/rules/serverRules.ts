import { humanDuration } from '../../durations.ts';
import { countOf, percentText } from '../../wording.ts';
import type { NodeSubject } from '../subject.ts';
import { counted, graded, levelOf, type Rule } from './rule.ts';

/** The server: its clients, its speed, and what a restart would cost. */
export const serverRules: Rule<NodeSubject>[] = [
  {
    check: 'rejectedConnections',
    isEvent: true,
    judge: (subject) =>
      counted(
        subject,
        'rejectedConnections',
        (total) => `${countOf(total, 'connection')} rejected since the server started.`,
        (rejected, time) => ({ level: 'critical', what: `${countOf(rejected, 'connection')} rejected in ${time}.` }),
        'Each was an app that got no connection, and a sign-in that failed. Look for an app that opens a connection per request, or raise maxclients or the tier.',
      ),
  },
  {
    check: 'clients',
    judge: ({ figures: { clients } }, thresholds, previous) => {
      const { connected, limit } = clients;
      if (connected === null || limit === null) return { unseen: 'how many clients there are, and how many may be' };
      if (limit === 0) return undefined;
      const percent = (connected / limit) * 100;
      return graded({ value: percent, ...thresholds.clients, margin: 10 }, previous, () => ({
        what: `${countOf(connected, 'client')} of ${limit} allowed (${percentText(percent)}).`,
        advice:
          'At the limit the server rejects connections, and sign-ins fail. One ConnectionMultiplexer per app is enough; else raise maxclients or the tier.',
      }));
    },
  },
  {
    check: 'persistence',
    judge: ({ persistence, figures: { role, replication } }) =>
      role !== 'replica' &&
      !replication.replicas &&
      (persistence === 'unknown' || (persistence === 'none' && (role === null || replication.replicas === null))
        ? { unseen: 'whether it saves to disk, or has a replica' }
        : persistence === 'none' && {
            level: 'warning',
            what: 'The server saves nothing to disk and has no replica.',
            advice:
              'A restart empties the cache, and everyone signs in again. Use a tier with a replica, or switch on AOF or RDB snapshots.',
          }),
  },
  {
    check: 'saveFailed',
    judge: ({ figures: { persistence } }) =>
      persistence.lastSaveOk === null
        ? { unseen: 'whether the last snapshot succeeded' }
        : !persistence.lastSaveOk && {
            level: 'warning',
            what: `The last snapshot failed${persistence.changesSinceSave === null ? '' : `; ${countOf(persistence.changesSinceSave, 'change')} are not on disk`}.`,
            advice:
              'Look at the disk and the memory of the server. With stop-writes-on-bgsave-error (the default) it refuses writes until a save succeeds.',
          },
  },
  {
    check: 'replicationLink',
    judge: ({ figures: { role, replication } }) =>
      role === null || (role === 'replica' && replication.linkUp === null)
        ? { unseen: 'whether it is a replica, and has its primary' }
        : role === 'replica' &&
          !replication.linkUp && {
            level: 'critical',
            what: `This replica has lost its primary${replication.linkDownSeconds === null || replication.linkDownSeconds < 0 ? '' : ` for ${humanDuration(replication.linkDownSeconds * 1000)}`}.`,
            advice:
              'Entries written since are not on it. If the primary is gone, fail over (REPLICAOF NO ONE, or by the service); apps cannot write until then.',
          },
  },
  {
    check: 'restarted',
    isEvent: true,
    judge: ({ change, figures, keysHeld }) => {
      if (figures.runId === null && figures.uptimeSeconds === null) return { unseen: 'when it started' };
      if (!change || change.kind === 'same') return undefined;
      const { keysBefore } = change;
      const emptied = keysBefore !== null && keysHeld !== null && keysBefore - keysHeld > keysBefore / 2;
      const held =
        keysBefore === null || keysHeld === null
          ? 'How many keys it lost is not known.'
          : `It held ${countOf(keysBefore, 'key')}, and holds ${keysHeld.toLocaleString('en-US')}.`;
      const event =
        change.kind === 'failover'
          ? 'Another server than at the last look answers: a failover'
          : `The server restarted ${humanDuration((figures.uptimeSeconds ?? 0) * 1000)} ago`;
      return {
        level: emptied ? 'critical' : 'warning',
        what: `${event}. ${held}`,
        advice: emptied
          ? 'Most entries are lost: their users sign in again. Use a replica or persistence, so that the next restart costs nothing.'
          : 'Find out why in the logs of the server or the activity log of the service; planned maintenance does it too.',
      };
    },
  },
  {
    check: 'slowPing',
    judge: ({ pingSummary }, { ping }, previous) => {
      if (!pingSummary) return { unseen: 'how fast it answers' };
      const { count, p95, max, eventLoopDelay, p95WithoutDelay } = pingSummary;
      const took = `95 % of ${count} PINGs took up to ${p95.toFixed(1)} ms, the slowest ${max.toFixed(1)} ms.`;
      const late = `The event loop of this process was late by up to ${eventLoopDelay.toFixed(1)} ms beside them`;
      const grade = { ...ping, margin: ping.warning / 5 };
      const slow = graded({ value: p95WithoutDelay, ...grade }, previous, () => ({
        what:
          eventLoopDelay === 0
            ? took
            : `${took} ${late}; without that they took up to ${p95WithoutDelay.toFixed(1)} ms.`,
        advice:
          'Each sign-in waits for several of these. Look at the server load, at slow commands (SLOWLOG GET), and whether apps and cache are in one region.',
      }));
      if (slow || !levelOf({ value: p95, ...grade }, previous)) return slow;
      return {
        level: 'info',
        what: `${took} ${late}, so the speed of the server was not judged.`,
        advice:
          'Nothing is wrong with the server as far as can be seen, and the next look judges again. Where this lasts, the function app lacks CPU: give it a larger plan or fewer runs at once.',
      };
    },
  },
];
