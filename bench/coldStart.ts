/**
 * `npm run bench:coldstart`: how long a bare Node.js process takes to load the functions, bundled and not, until the first of them
 * (`GET /api/health`) has answered, and how large each of the two is. `--profile` leaves CPU profiles of the bundled start in
 * test-results.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machineText, median } from './figures.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, profile: { type: 'boolean', default: false } },
});
const rounds = Number(options.rounds);

/** Folders of a package.json whose `main` are the functions. */
const ways = { bundled: join(root, 'dist/package'), 'not bundled': root };

/** Nothing can be sent: nobody listens. */
const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
const azureMonitor = {
  APPLICATIONINSIGHTS_CONNECTION_STRING:
    'InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://127.0.0.1:9',
};
const backends: [string, Record<string, string>][] = [
  ['no telemetry', {}],
  ['OTLP', otlp],
  ['Azure Monitor', azureMonitor],
  ['both', { ...otlp, ...azureMonitor }],
];

/** Prints milliseconds from the first import to its end, and to the first answer, and the CPU's until then. */
const program = `
const { loadFunctions } = await import(${JSON.stringify(join(root, 'dev/functionsWorker.ts'))});
const cpu = process.cpuUsage();
const start = performance.now();
const worker = await loadFunctions(process.argv[1], () => undefined);
const loadedMs = performance.now() - start;
const call = { method: 'GET', url: 'http://localhost/api/health', headers: {}, params: {}, body: Buffer.alloc(0) };
const { status } = await worker.invokeHttp('health', call);
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ status, loadedMs, answeredMs: performance.now() - start, cpuMs: (user + system) / 1000 }));
process.exit(0);`;

interface Start {
  status: number;
  loadedMs: number;
  answeredMs: number;
  cpuMs: number;
}

function startOnce(folder: string, environment: Record<string, string>, flags: string[] = []): Start {
  const output = execFileSync(process.execPath, [...flags, '--input-type=module', '-e', program, folder], {
    env: { PATH: process.env.PATH, RECORD_STORE: 'none', ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
  });
  const start = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Start;
  if (start.status !== 200 && start.status !== 503) throw new Error(`the first function answered ${start.status}`);
  return start;
}

// By turns, so that what else the machine does meets all alike.
const starts = Array.from({ length: rounds }, () =>
  backends.map(([, environment]) => ({
    bundled: startOnce(ways.bundled, environment),
    'not bundled': startOnce(ways['not bundled'], environment),
  })),
);

const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: root, encoding: 'utf8' });
const production = listed.split('\n').filter((path) => path.includes('node_modules'));
console.log(`${machineText()}; medians (slowest) of ${rounds} starts in ms; ratios of the rounds\n`);
const columns = ['loaded', 'first answer', 'x no telemetry', 'CPU', 'x no telemetry'];
for (const way of ['bundled', 'not bundled'] as const) {
  console.log(`| ${way} | ${columns.join(' | ')} |\n| --- |${' --: |'.repeat(columns.length)}`);
  for (const [index, [backend]] of backends.entries()) {
    const of = (figure: keyof Start) => starts.map((round) => round[index]?.[way][figure] ?? Number.NaN);
    const ratio = (figure: keyof Start) =>
      median(starts.map((round) => (round[index]?.[way][figure] ?? 0) / (round[0]?.[way][figure] ?? 0))).toFixed(2);
    const cells = [
      shown(of('loadedMs')),
      shown(of('answeredMs')),
      ratio('answeredMs'),
      shown(of('cpuMs')),
      ratio('cpuMs'),
    ];
    console.log(`| ${backend} | ${cells.join(' | ')} |`);
  }
  console.log();
}
console.log(`- zip: ${megabytes(statSync(join(root, 'dist/package.zip')).size)}; unpacked: ${megabytes(sizeOf(join(root, 'dist/package')))}
- not bundled: ${megabytes(sizeOf(join(root, 'dist/src')) + production.reduce((sum, path) => sum + sizeOf(path), 0))} in ${production.length} packages`);

if (options.profile) {
  const folder = join(root, 'test-results');
  mkdirSync(folder, { recursive: true });
  startOnce(ways.bundled, { ...otlp, ...azureMonitor }, ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  console.log(`\nA CPU profile of the bundled start, both backends, is in ${folder}.`);
}

function shown(times: number[]): string {
  return `${Math.round(median(times))} (${Math.round(Math.max(...times))})`;
}

/** Bytes of a folder's files, packages nested in it left out: npm lists them by themselves. */
function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .reduce((sum, entry) => {
      const path = join(folder, entry.name);
      return sum + (entry.isDirectory() ? sizeOf(path) : statSync(path).size);
    }, 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
