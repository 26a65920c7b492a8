import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Maintenance } from '../../lib/app/maintenance.ts';
import type { RevokeReport } from '../../lib/keyRing/jobs/revoke.ts';
import { type Instant, parseInstant } from '../../lib/keyRing/reading/instants.ts';
import { addJob, type CommonOptions, type Session, type Subjects, withCommonOptions } from '../session.ts';

interface RevokeOptions extends CommonOptions {
  key?: string;
  all?: boolean;
  createdBefore?: Instant;
  reason: string;
  confirm?: string;
}

interface RotateOptions extends CommonOptions {
  acceptEmpty?: boolean;
}

const ringRows = () => import('../keyRingRows.ts');

const rings: Subjects = { kind: 'key ring', on: 'keyRing', option: 'ring' };

/** `key-ring status`, `rotate`, `rewrap`, `revoke` and `prune`, on Data Protection key rings. */
export function addKeyRingCommands(program: Command, session: Session): void {
  const group = program.command('key-ring').description('Keep the Data Protection key ring that the apps share.');
  const command = (name: string, description: string) =>
    withCommonOptions(group.command(name).description(description), 'ring');

  addJob(session, command('status', 'Say what state the ring is in. Changes nothing.'), {
    ...rings,
    job: (maintenance) => maintenance.keyRings.status,
    rows: async (report) => (await ringRows()).statusRows(report),
  });

  command('rotate', 'Publish the keys that are due. Usually there is nothing to do.')
    .option('--accept-empty', 'begin a ring anew that has lost its keys: every user signs in again')
    .action((options: RotateOptions) => {
      const { dryRun = false, acceptEmpty = false } = options;
      const run = (maintenance: Maintenance, name: string) =>
        maintenance.keyRings.rotate(name, 'cli', { dryRun, acceptEmpty }, { signal: session.signal });
      return session.runOn({ ...rings, run, rows: async (report) => (await ringRows()).rotateRows(report) }, options);
    });

  addJob(session, command('rewrap', 'Move keys to the newest Key Vault key version or certificate.'), {
    ...rings,
    job: (maintenance) => maintenance.keyRings.rewrap,
    rows: async (report) => (await ringRows()).rewrapRows(report),
  });

  const aboutPrune = 'Remove keys that expired long ago and that no cached entry names. Keeps a copy of the ring.';
  addJob(session, command('prune', aboutPrune), {
    ...rings,
    job: (maintenance) => maintenance.keyRings.prune,
    rows: async (report) => (await ringRows()).pruneRows(report),
  });

  command(
    'revoke',
    'Emergency: revoke keys and publish a successor. A plan, unless confirmed with the name of the ring.',
  )
    .option('--key <id>', 'revoke this key')
    .option('--all', 'revoke every key that there is now')
    .option('--created-before <instant>', 'revoke every key created before (ISO 8601, 2026-04-21T00:00:00Z)', instant)
    .addOption(new Option('--reason <text>', 'kept in the ring').default('revoked by token-cache-maintenance'))
    .option('--confirm <ring>', 'do it: the name of the ring')
    .action((options: RevokeOptions, self: Command) => {
      const { ring, dryRun = false, reason } = options;
      const given = [options.key, options.all, options.createdBefore].filter((value) => value !== undefined);
      if (given.length !== 1) self.error('Give one of --key, --all and --created-before.');
      if (ring?.length !== 1) self.error('Give the ring, once: --ring NAME.');
      const request = {
        reason,
        confirm: dryRun ? undefined : options.confirm,
        target: options.key ? { key: options.key } : { createdBefore: options.createdBefore },
      };
      const run = (maintenance: Maintenance, name: string) =>
        maintenance.keyRings.revoke(name, 'cli', request, { signal: session.signal });
      const rows = async (report: RevokeReport) => (await ringRows()).revokeRows(report, ring?.[0] ?? '');
      return session.runOn({ ...rings, run, rows }, options);
    });
}

function instant(text: string): Instant {
  const parsed = parseInstant(text);
  if (!parsed) throw new InvalidArgumentError('Expected an instant with its zone, such as 2026-04-21T00:00:00Z.');
  return parsed;
}
