/**
 * `npm run package`: the function app as it is deployed, in dist/package, and as a zip, dist/package.zip. Everything is bundled
 * into a few files: a cold start then reads these instead of thousands. `@azure/functions-core` alone is left to the host,
 * which supplies it.
 */
import { createWriteStream } from 'node:fs';
import { copyFile, glob, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import yazl from 'yazl';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'dist/package');
const entry = 'main.js';

const packageFile = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const { output } = await bundleFunctions();
await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), await licences(output));
await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
await copyFile(join(root, 'host.json'), join(folder, 'host.json'));
for (const name of ['page.js', 'page.css'])
  await copyFile(join(root, 'dist/src/lib/pages/status', name), join(folder, name));
const { name, version, description, license, type, engines } = packageFile;
const deployed = { name, version, private: true, description, license, type, main: entry, engines };
await writeFile(join(folder, 'package.json'), `${JSON.stringify(deployed, undefined, 2)}\n`);
const bytes = await zip(join(root, 'dist/package.zip'));
console.log(`dist/package.zip: ${(bytes / 1e6).toFixed(2)} MB`);

/** The entry imports every file of src/functions: each registers its function on import. */
async function bundleFunctions() {
  const files = [];
  for await (const file of glob('src/functions/*.ts', { cwd: root })) files.push(join(root, file));
  const imports = files.sort().map((file) => `import ${JSON.stringify(file)};`);
  const virtualEntry = {
    name: 'functions',
    resolveId: (id) => (id === 'functions' ? id : undefined),
    load: (id) => (id === 'functions' ? imports.join('\n') : undefined),
  };
  const bundle = await rolldown({
    input: { [basename(entry, '.js')]: 'functions' },
    platform: 'node',
    // pg looks for its native twin, which is not used, and goes on without.
    external: ['@azure/functions-core', 'pg-native'],
    plugins: [virtualEntry],
    // CommonJS packages know their place by these, which ES modules do not have.
    transform: { define: { __filename: 'import.meta.filename', __dirname: 'import.meta.dirname' } },
    onwarn: (warning, report) => {
      // Libraries' own circles and evals are not ours to fix; what cannot be resolved would fail in Azure.
      if (warning.code === 'UNRESOLVED_IMPORT') throw new Error(warning.message);
      if (warning.id?.includes(`${sep}node_modules${sep}`) === false) report(warning);
    },
  });
  try {
    return await bundle.write({ dir: folder, format: 'esm', minify: true, chunkFileNames: '[name]-[hash].js' });
  } finally {
    await bundle.close();
  }
}

/** The licences of what is bundled ask to be in every copy. */
async function licences(chunks) {
  const folders = new Set(
    chunks
      .flatMap(({ moduleIds = [] }) => moduleIds)
      .flatMap((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.split(sep).join('/'))?.[1] ?? []),
  );
  const texts = new Map();
  for (const path of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(`${path}/package.json`, 'utf8'));
    texts.set(`${name} ${version}`, `${name} ${version} (${license})\n\n${await licenceOf(path)}`);
  }
  return [...texts.values()].join(`\n${'-'.repeat(80)}\n`);
}

async function licenceOf(path) {
  for await (const file of glob('{LICEN[CS]E,licen[cs]e,License,COPYING}*', { cwd: path })) {
    if ((await stat(`${path}/${file}`)).isFile()) return (await readFile(`${path}/${file}`, 'utf8')).trim();
  }
  return 'Its package holds no licence text.';
}

/** With the files' own times: the newest deployment is known by that of its code. */
async function zip(path) {
  const file = new yazl.ZipFile();
  for await (const name of glob('**/*', { cwd: folder })) file.addFile(join(folder, name), name);
  file.end();
  await pipeline(file.outputStream, createWriteStream(path));
  return (await stat(path)).size;
}
