import { z } from 'zod';
import { MaintenanceError } from '../errors.ts';

/** The step at which a node could not be reached, in their order. */
export const step = z.enum([
  'name',
  'tcp',
  'tls',
  'authentication',
  'permission',
  'loading',
  'moved',
  'busy',
  'connectionLimit',
  'answer',
]);
export type Step = z.infer<typeof step>;

/** What to do where a step failed; docs/runbook/redis.md lists the steps. */
export const adviceOfSteps: Record<Step, string> = {
  name: 'Check the host in the connection string, and that the network of the function app resolves it: with a private endpoint, the private DNS zone must be linked to that network.',
  tcp: 'Check that the server runs, its port (Azure Cache for Redis: 6380, Azure Managed Redis: 10000), firewall rules, and the way through the network or private endpoint.',
  tls: 'Check that the port is the TLS port (else `ssl=False`), that the certificate is valid and made for this name (else `sslHost=`), and, where a private authority signed it, that REDIS_CA_FILE names its certificate.',
  authentication:
    'Check user and password in the connection string, or, with Entra, that the identity is a data access user of the cache and that the cache allows Entra authentication.',
  permission:
    'Give the user the right to it: to look, `ACL SETUSER name +info +ping +scan +pttl +type +cluster|slots` (of a Sentinel `+info +sentinel`); to look into entries also `+dbsize +hstrlen +hmget`, to clear `+dbsize +hexists +unlink`; on Azure, a custom access policy with these.',
  loading:
    'The server started a short time ago and reads its data from disk. Wait; users cannot sign in from the cache until it has finished.',
  moved:
    'The node sends its clients to another one. Name an endpoint of the cluster itself in the connection string; of Sentinels, `serviceName=` says which primary is meant.',
  busy: 'A script has been running for long and blocks everything. Ask its owner; SCRIPT KILL ends one that has written nothing.',
  connectionLimit:
    'The server has as many clients as it allows. Look for an app that opens a connection per request, or raise maxclients or the tier.',
  answer:
    'The server takes connections but gives no proper answer. It may hang, be overloaded, be something else than Redis, or expect TLS (`ssl=True`) on this port.',
};

/** A node that cannot be looked at, with the step that failed. It becomes a finding, not a failed run. */
export class UnreachableError extends MaintenanceError {
  readonly step: Step;

  constructor(step: Step, message: string) {
    super('redis_unreachable', message, adviceOfSteps[step]);
    this.step = step;
  }
}

/** A node that refuses one command, and may take others. */
export class RefusedError extends MaintenanceError {
  constructor(command: string, reason: string) {
    super('redis_command_refused', `The server refuses ${command}: ${reason}.`, adviceOfSteps.permission);
  }
}

/** Error answers by their first words, or by a known phrase: the step that failed, or none where one command is refused. */
const replies: [reply: RegExp, step: Step | undefined, what: string][] = [
  [/^NOAUTH\b/, 'authentication', 'asks for a password (NOAUTH)'],
  [/^WRONGPASS\b/, 'authentication', 'does not accept user and password (WRONGPASS)'],
  [/^LOADING\b/, 'loading', 'is loading its data set (LOADING)'],
  [/^MOVED\b/, 'moved', 'sends this client to another node (MOVED)'],
  [/^ASK\b/, 'moved', 'sends this client to another node (ASK)'],
  [/^BUSY\b/, 'busy', 'runs a script and answers nothing else (BUSY)'],
  [/^DENIED\b/, 'permission', 'is in protected mode and answers local clients alone (DENIED)'],
  [/^NOPERM\b/, undefined, 'the user has no right to it (NOPERM)'],
  [/invalid password/i, 'authentication', 'does not accept the password'],
  [/max number of clients/i, 'connectionLimit', 'has reached its limit of clients'],
  [/DB index is out of range/i, undefined, 'there is no such database'],
  [/not allowed in cluster mode/i, undefined, 'a cluster has database 0 alone'],
  [/unknown (sub)?command/i, undefined, 'it does not know the command'],
];

/**
 * What an error answer means for a look at the node (Redis protocol, "simple errors"). Its text may repeat arguments, a
 * password among them: of it only known words are told.
 */
export function errorOfReply(node: string, command: string, reply: string): UnreachableError | RefusedError {
  const [, step, what] = replies.find(([known]) => known.test(reply)) ?? [];
  if (step) return new UnreachableError(step, `${node} ${what}.`);
  const [word = ''] = reply.split(' ', 1);
  const answered = /^[A-Z]+$/.test(word) ? `it answered ${word}` : 'it answered with an error';
  return new RefusedError(command, what ?? answered);
}
