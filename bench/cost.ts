/**
 * `npm run bench:cost`: what a month costs on Flex Consumption with 512 MB. Each timer's invocation is measured in the packaged app, on real
 * servers of this machine: its time, the process's memory, the requests to the storage, and what it sends to Application
 * Insights. Schedules are the defaults; prices are in bench/cost/prices.ts, with their sources.
 */
import { Cron } from 'croner';
import { createSeededTable } from '../dev/seed.ts';
import { cacheTable, startServices } from '../dev/services.ts';
import { timersOf } from '../src/lib/app/timers.ts';
import { readSettings } from '../src/lib/settings/settings.ts';
import { startFaultProxy } from '../test/support/faultProxy.ts';
import { startIngestion } from '../test/support/ingestion.ts';
import { alertRules, prices } from './cost/prices.ts';
import { machineText, median } from './figures.ts';
import { startFunctions } from './functionsChild.ts';

const rounds = 7;
const instanceGigabytes = 0.5;
/** December 2026, of 30 days. */
const end = new Date(Date.UTC(2026, 11, 31));
/** A message of the work queue beside its run: put, read and deleted, and its slot leased, released and renewed once. */
const transactionsOfMessage = 6;

interface Invocation {
  ms: number;
  bytes: number;
  transactions: number;
  ingested: number;
  metricRows: number;
  zeros: number;
}

const services = await startServices({ sqlCache: true, redisCache: true, keyRing: true });
const ingestion = await startIngestion();
const proxies: { close(): Promise<void> }[] = [];
try {
  await createSeededTable(services.sqlCache ?? '', cacheTable, { entries: 20_000, expiredShare: 0.01 });
  let transactions = 0;
  const storage = await countedStorage(services.settings.AzureWebJobsStorage ?? '', () => {
    transactions += 1;
  });
  const environment = { ...services.settings, ...ingestion.settings, AzureWebJobsStorage: storage };
  const timers = timersOf(readSettings(environment, 'table')).filter(({ enabled }) => enabled);
  const measured = await measure(
    timers.map(({ name }) => name),
    environment,
    () => transactions,
  );
  print(timers, measured);
} finally {
  for (const proxy of proxies) await proxy.close();
  await ingestion.stop();
  await services.stop();
}

/** The connection string by way of proxies that count; each request to a table, queue or blob is a transaction. */
async function countedStorage(connectionString: string, count: () => void): Promise<string> {
  let counted = connectionString;
  for (const [, port = ''] of connectionString.matchAll(/127\.0\.0\.1:(\d+)/g)) {
    const proxy = await startFaultProxy(Number(port));
    proxy.setFaults(() => {
      count();
      return 'pass';
    });
    proxies.push(proxy);
    counted = counted.replace(`:${port}/`, `:${proxy.port}/`);
  }
  return counted;
}

async function measure(names: string[], environment: Record<string, string>, transactionsSoFar: () => number) {
  const functions = startFunctions(environment);
  const result = new Map<string, Invocation[]>(names.map((name) => [name, []]));
  // The first round is not counted: it loads drivers, and builds the index.
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const before = { transactions: transactionsSoFar(), requests: ingestion.accepted.length };
      const { ms, bytes } = await functions.invoke(name);
      const requests = ingestion.accepted.slice(before.requests).map(({ body }) => body);
      const rows = requests.flatMap(
        (body) => JSON.parse(body.toString()) as { data: { baseType: string; baseData: object } }[],
      );
      const values = rows.flatMap(({ data }) =>
        data.baseType === 'MetricData' ? (data.baseData as { metrics: { value: number }[] }).metrics : [],
      );
      if (round > 0)
        result.get(name)?.push({
          ms,
          bytes,
          transactions: transactionsSoFar() - before.transactions,
          ingested: requests.reduce((sum, body) => sum + body.length, 0),
          metricRows: values.length,
          zeros: values.filter(({ value }) => value === 0).length,
        });
    }
  }
  await functions.end();
  return result;
}

interface Month {
  executions: number;
  gigabyteSeconds: number;
  transactions: number;
  gigabytes: number;
}

function print(timers: { name: string; schedule: string }[], measured: Map<string, Invocation[]>): void {
  console.log(`${machineText()}; medians of ${rounds} invocations, ${instanceGigabytes * 1024} MB\n`);
  console.log('| timer | a month | ms | RSS MB | storage requests | sent, bytes | metric rows | of them 0 |');
  console.log(`| --- |${' --: |'.repeat(7)}`);
  const jobs = timers.map(({ name, schedule }) => {
    const of = (figure: keyof Invocation) => median((measured.get(name) ?? []).map((each) => each[figure]));
    const job = {
      name,
      runs: new Cron(schedule).nextRuns(45_000, '2026-11-30T23:59:59').filter((at) => at < end).length,
      ms: of('ms'),
      transactions: of('transactions'),
      ingested: of('ingested'),
    };
    const figures = [
      job.runs,
      job.ms,
      of('bytes') / 1e6,
      job.transactions,
      job.ingested,
      of('metricRows'),
      of('zeros'),
    ];
    console.log(`| ${name} | ${figures.map((figure) => Math.round(figure)).join(' | ')} |`);
    return job;
  });
  console.log(
    '\n| caches and rings | executions | GB-s | storage requests | GB sent | functions | storage | logs and metrics | sum, $ |',
  );
  console.log(`| --- |${' --: |'.repeat(8)}`);
  for (const count of [1, 5, 100]) {
    const month: Month = { executions: 0, gigabyteSeconds: 0, transactions: 0, gigabytes: 0 };
    for (const job of jobs) {
      // The judgement is one, of all subjects: its records grow with them. Beyond a few, each run is a message of its own.
      const queued = count > 20 && job.name !== 'judgeFindings';
      const executions = job.runs * (queued ? 1 + count : 1);
      const seconds = (job.ms / 1000) * (queued ? 1 : count);
      month.executions += executions;
      month.gigabyteSeconds += executions * Math.max(prices.leastSeconds, seconds) * instanceGigabytes;
      month.transactions += job.runs * count * (job.transactions + (queued ? transactionsOfMessage : 0));
      month.gigabytes += (job.runs * count * job.ingested) / 1e9;
    }
    console.log(`| ${rowOf(count, month)} |`);
  }
  const rules = alertRules.reduce<number>((sum, minutes) => sum + prices.logRule[minutes], 0);
  console.log(
    `\nBeside that, whatever the number of caches: ${alertRules.length} log alert rules, $${rules.toFixed(2)} a month.`,
  );
}

function rowOf(count: number, { executions, gigabyteSeconds, transactions, gigabytes }: Month): string {
  const functions = gigabyteSeconds * prices.gigabyteSecond + (executions / 1e6) * prices.millionExecutions;
  const storage = (transactions / 10_000) * prices.tenThousandTransactions;
  const logs = gigabytes * prices.gigabyteIngested;
  const amounts = [functions, storage, logs, functions + storage + logs].map((amount) => amount.toFixed(2));
  return [
    count,
    executions,
    Math.round(gigabyteSeconds),
    Math.round(transactions),
    gigabytes.toFixed(3),
    ...amounts,
  ].join(' | ');
}
