import { app, type InvocationContext } from '@azure/functions';
import { queueWorkFor, settings } from './support/app.ts';
import { awaitedAtShutdown } from './support/shutdown.ts';

/** Without a storage account in the settings there is no queue, and on the host nothing would run at all. */
app.storageQueue('runMaintenance', {
  queueName: settings.queue.name,
  connection: 'AzureWebJobsStorage',
  handler: awaitedAtShutdown(async (message: unknown, context: InvocationContext) => {
    const deliveries = Number(context.triggerMetadata?.dequeueCount ?? 1);
    const work = queueWorkFor(context);
    if (!work) throw new Error('AzureWebJobsStorage is not set: the work queue cannot be used.');
    await work.workOff(message, deliveries);
  }),
});
