import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Maintenance } from '../../lib/app/maintenance.ts';
import { type Instant, parseInstant } from '../../lib/keyRing/instants.ts';
import { pruneRows, revokeRows, rewrapRows, rotateRows, statusRows } from '../keyRingRows.ts';
import { type CommonOptions, type Session, withCommonOptions } from '../session.ts';

interface RingOptions extends CommonOptions {
  ring?: string[];
}

interface RevokeOptions extends RingOptions {
  key?: string;
  all?: boolean;
  createdBefore?: Instant;
  reason: string;
  confirm?: string;
}

const rings = { kind: 'key ring', known: (maintenance: Maintenance) => maintenance.keyRings.names() };

/** `key-ring status`, `rotate`, `rewrap`, `revoke` and `prune`, on Data Protection key rings. */
export function addKeyRingCommands(program: Command, session: Session): void {
  const { signal } = session;
  const group = program.command('key-ring').description('Keep the Data Protection key ring that the apps share.');
  const command = (name: string, description: string) =>
    withCommonOptions(group.command(name).description(description), 'ring');

  command('status', 'Say what state the ring is in. Changes nothing.').action(({ ring, json = false }: RingOptions) =>
    session.runOn(
      {
        ...rings,
        run: (maintenance, name) => maintenance.keyRings.status(name, 'cli', {}, { signal }),
        rows: statusRows,
      },
      ring,
      json,
    ),
  );

  command('rotate', 'Publish the keys that are due. Usually there is nothing to do.').action(
    ({ ring, json = false, dryRun = false }: RingOptions) =>
      session.runOn(
        {
          ...rings,
          run: (maintenance, name) => maintenance.keyRings.rotate(name, 'cli', { dryRun }, { signal }),
          rows: rotateRows,
        },
        ring,
        json,
      ),
  );

  command('rewrap', 'Move keys to the newest Key Vault key version or certificate.').action(
    ({ ring, json = false, dryRun = false }: RingOptions) =>
      session.runOn(
        {
          ...rings,
          run: (maintenance, name) => maintenance.keyRings.rewrap(name, 'cli', { dryRun }, { signal }),
          rows: rewrapRows,
        },
        ring,
        json,
      ),
  );

  command(
    'prune',
    'Remove keys that expired long ago and that no cached entry names. Keeps a copy of the ring.',
  ).action(({ ring, json = false, dryRun = false }: RingOptions) =>
    session.runOn(
      {
        ...rings,
        run: (maintenance, name) => maintenance.keyRings.prune(name, 'cli', { dryRun }, { signal }),
        rows: pruneRows,
      },
      ring,
      json,
    ),
  );

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
      const { ring, json = false, dryRun = false, reason } = options;
      const given = [options.key, options.all, options.createdBefore].filter((value) => value !== undefined);
      if (given.length !== 1) self.error('Give one of --key, --all and --created-before.');
      if (ring?.length !== 1) self.error('Give the ring, once: --ring NAME.');
      const confirm = dryRun ? undefined : options.confirm;
      return session.runOn(
        {
          ...rings,
          run: (maintenance, name) =>
            maintenance.keyRings.revoke(
              name,
              'cli',
              {
                reason,
                confirm,
                target: options.key ? { key: options.key.toLowerCase() } : { createdBefore: options.createdBefore },
              },
              { signal },
            ),
          rows: (report) => revokeRows(report, ring?.[0] ?? ''),
        },
        ring,
        json,
      );
    });
}

function instant(text: string): Instant {
  const parsed = parseInstant(text);
  if (!parsed) throw new InvalidArgumentError('Expected an instant with its zone, such as 2026-04-21T00:00:00Z.');
  return parsed;
}
