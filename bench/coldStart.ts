/**
 * `npm run bench:coldstart`: how long a bare Node.js process takes to import the functions, bundled and not, and how large each
 * of the two is. `--profile` leaves CPU profiles of the bundled import in test-results.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, profile: { type: 'boolean', default: false } },
});

const ways = {
  bundled: [join(root, 'dist/package/main.js')],
  'not bundled': readdirSync(join(root, 'dist/src/functions'))
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(root, 'dist/src/functions', name)),
};

/** Nothing is sent: an import alone has nothing to send. */
const backends: Record<string, Record<string, string>> = {
  'no telemetry': {},
  OTLP: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
  'Azure Monitor': {
    APPLICATIONINSIGHTS_CONNECTION_STRING:
      'InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://127.0.0.1:9',
  },
};
const bothBackends = { ...backends.OTLP, ...backends['Azure Monitor'] };

/** Prints milliseconds from the first line of the program to the end of the imports, and since the process began. */
const program = `
const start = performance.now();
await Promise.all(process.argv.slice(1).map((file) => import(file)));
const end = performance.now();
console.log(JSON.stringify({ importMs: end - start, processMs: end }));
process.exit(0);`;

interface Times {
  importMs: number;
  processMs: number;
}

function importOnce(files: string[], environment: Record<string, string>, flags: string[] = []): Times {
  const output = execFileSync(process.execPath, [...flags, '--input-type=module', '-e', program, ...files], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
  });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Times;
}

const rows = [...Object.entries(backends), ['both', bothBackends] as const].map(([backend, environment]) => ({
  backend,
  // By turns, so that what else the machine does meets all alike.
  times: Array.from({ length: Number(options.rounds) }, () => ({
    bundled: importOnce(ways.bundled, environment),
    'not bundled': importOnce(ways['not bundled'], environment),
  })),
}));

const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: root, encoding: 'utf8' });
const production = listed.split('\n').filter((path) => path.includes('node_modules'));
console.log(
  `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node.js ${process.versions.node}; median (slowest) of ${options.rounds} imports in ms\n`,
);
console.log('| telemetry | bundled | process | not bundled | process |\n| --- | --: | --: | --: | --: |');
for (const { backend, times } of rows) {
  const cells = (['bundled', 'not bundled'] as const).flatMap((way) => [
    shown(times.map((each) => each[way].importMs)),
    shown(times.map((each) => each[way].processMs)),
  ]);
  console.log(`| ${backend} | ${cells.join(' | ')} |`);
}
console.log(`
- zip: ${megabytes(statSync(join(root, 'dist/package.zip')).size)}; unpacked: ${megabytes(sizeOf(join(root, 'dist/package')))}
- not bundled: ${megabytes(sizeOf(join(root, 'dist/src')) + production.reduce((sum, path) => sum + sizeOf(path), 0))} in ${production.length} packages`);

if (options.profile) {
  const folder = join(root, 'test-results');
  mkdirSync(folder, { recursive: true });
  importOnce(ways.bundled, bothBackends, ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  console.log(`\nA CPU profile of the bundled import, both backends, is in ${folder}.`);
}

function shown(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  return `${Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)} (${Math.round(sorted.at(-1) ?? 0)})`;
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
