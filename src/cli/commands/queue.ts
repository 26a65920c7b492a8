import type { Command } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { toErrorReport } from '../../lib/errors.ts';
import type { PoisonFilter, PoisonView } from '../../lib/queue/poison.ts';
import type { WorkQueue } from '../../lib/queue/workQueue.ts';
import { plainTable } from '../output.ts';
import type { Session } from '../session.ts';

const poison = () => import('../../lib/queue/poison.ts');
type DiscardPoison = (queue: WorkQueue, chosen: PoisonFilter) => Promise<PoisonView[]>;

interface QueueOptions {
  cache?: string;
  job?: string;
  unreadable?: boolean;
  execute?: boolean;
  json?: boolean;
}

/** `queue list`, `retry` and `discard`: what failed 5 times, and what becomes of it. */
export function addQueueCommands(program: Command, session: Session): void {
  const queue = program
    .command('queue')
    .description(
      'What the work queue has given up after 5 tries. Needs AzureWebJobsStorage, as the function app has it.',
    );
  const command = (name: string, description: string) =>
    queue
      .command(name)
      .description(description)
      .option('--cache <name>', 'only messages of this cache')
      .option('--job <name>', 'only messages of this job: purge, index, counts or redis')
      .option('--json', 'one JSON document on stdout');

  command('list', 'Show the messages of the poison queue (the first 32). Changes nothing.').action(
    (options: QueueOptions) =>
      withQueue(session, async (work) => {
        const report = await (await poison()).listPoison(work);
        const messages = report.messages.filter(filterOf(options));
        print(options, { ...report, messages }, `${report.queue}: about ${report.count} messages`, messages);
      }),
  );

  const changing = (name: 'retry' | 'discard', description: string, work: DiscardPoison) =>
    command(name, description)
      .option('--execute', 'do it; without this it is said what would be done')
      .option('--dry-run', 'say what would be done, and change nothing: the default')
      .action((options: QueueOptions & { dryRun?: boolean }) =>
        withQueue(session, async (opened) => {
          const execute = options.execute === true && options.dryRun !== true;
          const chosen = filterOf(options);
          const { queue: from, count, messages } = await (await poison()).listPoison(opened);
          const retryable: PoisonFilter = (view) => chosen(view) && (name === 'discard' || view.message !== undefined);
          const done = execute ? await work(opened, chosen) : messages.filter(retryable);
          const verb = name === 'retry' ? 'put back' : 'discarded';
          const head = execute
            ? `${done.length} messages of ${from} ${verb}.`
            : `Dry run: ${done.length} messages of the first ${messages.length} in ${from} (about ${count}) would be ${verb}. Do it with --execute.`;
          print(options, { queue: from, dryRun: !execute, [name]: done }, head, done);
        }),
      );
  changing('retry', 'Put messages back on the work queue: a dry run unless --execute is given.', async (work, chosen) =>
    (await poison()).retryPoison(work, chosen, systemClock),
  );
  changing('discard', 'Delete messages for good: a dry run unless --execute is given.', async (work, chosen) =>
    (await poison()).discardPoison(work, chosen),
  ).option('--unreadable', 'only messages that cannot be read');
}

function filterOf({ cache, job, unreadable }: QueueOptions): PoisonFilter {
  return ({ message }) =>
    (cache === undefined || message?.subject === cache) &&
    (job === undefined || message?.job === job) &&
    (!unreadable || message === undefined);
}

async function withQueue(session: Session, work: (queue: WorkQueue) => Promise<void>): Promise<void> {
  const queue = await session.openQueue();
  if (!queue) return;
  try {
    await work(queue);
  } catch (error) {
    await session.endedWith('queue', toErrorReport(error));
  }
}

function print({ json = false }: QueueOptions, document: object, head: string, views: PoisonView[]): void {
  const table = views.length > 0 ? `\n${plainTable(views.map(rowOf))}` : '';
  console.log(json ? JSON.stringify(document, undefined, 2) : `${head}${table}`);
}

function rowOf({ insertedAt, message, problem = '' }: PoisonView): string[] {
  if (!message) return [insertedAt, 'unreadable', '', problem];
  return [insertedAt, message.job, message.subject, message.runId];
}
