import type { Command } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import type { Session } from '../session.ts';

/** `status`: what stands now, by the records. */
export function addStatusCommand(program: Command, session: Session): void {
  program
    .command('status')
    .description(
      'Say what somebody should look at, by the records of past runs: the same list as on the status page and in the alerts. Asks no cache; reads the records of the function app where RECORD_STORE is table and AzureWebJobsStorage is set as it has it. Exit code 1 where a finding is critical.',
    )
    .option('--json', 'the JSON of GET /api/status on stdout')
    .action(async ({ json = false }: { json?: boolean }) => {
      const { settings, records, maintenance } = await session.openTolerant();
      const { readStatus } = await import('../../lib/app/overview.ts');
      const { statusContent } = await import('../../lib/app/statusContent.ts');
      const { timersOf } = await import('../../lib/app/timers.ts');
      const { openWorkQueue } = await import('../../lib/app/workQueues.ts');
      const { findingTable } = await import('../findingTables.ts');
      const status = await readStatus({
        settings,
        records,
        maintenance,
        clock: systemClock,
        timers: timersOf(settings),
        deployment: undefined,
        queue: settings.queue.mode === 'never' ? undefined : openWorkQueue(settings.queue)?.queue,
        memory: { told: [] },
      });
      const { health, findings } = status;
      if (json) console.log(JSON.stringify(statusContent(status), undefined, 2));
      else console.log(findingTable(findings, health, records.description, process.stdout.isTTY && settings.colours));
      if (findings.some(({ level }) => level === 'critical')) session.exitCode = 1;
    });
}
