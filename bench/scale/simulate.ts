/** `npm run scale`: the figures and plots of docs/scale.md, from `facts.ts`. The tables go to stdout, the plots to docs/scale. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { defaults, measured, plan } from './facts.ts';
import { type Outcome, type Scenario, simulate } from './model.ts';
import { linePlot } from './plots.ts';

const folder = fileURLToPath(new URL('../../docs/scale/', import.meta.url));

const base: Scenario = {
  name: '50 servers',
  caches: 1_000,
  expired: 450e6,
  servers: 50,
  oneRun: measured.oneRun,
  wholeServer: measured.wholeServer,
  mostInstances: 100,
  serverConcurrency: defaults.serverConcurrency,
};
/** A small database in the cloud deletes far slower than a server beside its client: a tenth is assumed. */
const slow = { oneRun: measured.oneRun / 10, wholeServer: measured.wholeServer / 10 };

const asMeasured = [
  base,
  { ...base, name: '10 servers', servers: 10 },
  { ...base, name: '1,000 servers', servers: 1_000 },
];
const atATenth = [
  { ...base, ...slow, name: '50 servers, a tenth' },
  { ...base, ...slow, name: '10 servers, a tenth', servers: 10 },
  { ...base, ...slow, name: '1,000 servers, a tenth', servers: 1_000 },
];
const changes = [
  { ...base, ...slow, name: 'as above: 50 servers, a tenth' },
  { ...base, ...slow, name: 'SERVER_CONCURRENCY 1', serverConcurrency: 1 },
  { ...base, ...slow, name: 'SERVER_CONCURRENCY 20', serverConcurrency: 20 },
  { ...base, ...slow, name: '5 instances at most', mostInstances: 5 },
  { ...base, ...slow, name: `${plan.mostInstances} instances at most`, mostInstances: plan.mostInstances },
  { ...base, ...slow, name: '1 server', servers: 1 },
];

const [fast, slower, changed] = [asMeasured, atATenth, changes].map((scenarios) => scenarios.map(simulate));
for (const outcomes of [fast, slower, changed]) console.log(`${tableOf(outcomes ?? [])}\n`);

await mkdir(folder, { recursive: true });
const million = 1e6;
const plots: [string, string, string, Outcome[], Parameters<typeof linePlot>[3]][] = [
  [
    'left',
    'Expired entries left, at a tenth of the measured rates',
    'millions',
    slower ?? [],
    ({ left }) => left / million,
  ],
  ['instances', 'Instances, at a tenth of the measured rates', 'instances', slower ?? [], ({ instances }) => instances],
  ['left-fast', 'Expired entries left, at the measured rates', 'millions', fast ?? [], ({ left }) => left / million],
];
for (const [name, title, unit, outcomes, value] of plots)
  await writeFile(`${folder}${name}.svg`, `${linePlot(title, unit, outcomes, value)}\n`);

function tableOf(outcomes: readonly Outcome[]): string {
  const head =
    '| scenario | half of the caches, h | nine tenths, h | all, h | instances | runs at once | busiest server | queue operations/s | compute € | executions € | storage € | all € |';
  const rows = outcomes.map(({ scenario, hours, peakInstances, peakRuns, serverLoad, ...rest }) => {
    const { compute, executions, storage, all } = rest.euros;
    const cells = [
      scenario.name,
      ...[hours.half, hours.most, hours.all].map((value) => value.toFixed(2)),
      String(peakInstances),
      String(peakRuns),
      `${(100 * serverLoad).toFixed(0)} %`,
      rest.peakQueueOperationsPerSecond.toFixed(0),
      ...[compute, executions, storage, all].map((value) => value.toFixed(2)),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [head, `| --- |${' --: |'.repeat(11)}`, ...rows].join('\n');
}
