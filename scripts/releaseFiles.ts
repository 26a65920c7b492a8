/**
 * `npm run release:files`: what a release carries, in dist/release: the function app as a zip, the compiled template, the list of
 * all packages in it (SBOM, CycloneDX), the notes from the changelog, and checksums of all of them. With `--tag` it refuses a
 * tag that is not this version's.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bicep, bicepMissing, restoreBicep } from '../test/support/bicep.ts';
import { sectionOf } from './changelog.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'dist/release');
const { values } = parseArgs({ options: { tag: { type: 'string' } } });
const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, string>;

try {
  if (values.tag !== undefined && values.tag !== `v${version}`)
    throw new Error(`The tag ${values.tag} is not that of package.json, v${version}: npm run release makes both.`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  write('NOTES.md', notes());
  copyFileSync(join(root, 'dist/package.zip'), join(folder, `${name}-${version}.zip`));
  write('azuredeploy.json', template());
  write('createUiDefinition.json', portalForm());
  write('sbom.cdx.json', deployedPackages(npm('sbom', '--no-workspaces', '--sbom-format', 'cyclonedx')));
  const files = readdirSync(folder).sort();
  write('SHA256SUMS', files.map((file) => `${checksum(file)}  ${file}\n`).join(''));
  console.log(`dist/release: ${[...files, 'SHA256SUMS'].join(', ')}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function notes(): string {
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const section =
    sectionOf(changelog, version ?? '') || (values.tag === undefined ? sectionOf(changelog, 'Unreleased') : '');
  if (section === '') throw new Error(`CHANGELOG.md has no section ${version}: npm run release makes it.`);
  return `${section}\n`;
}

/** The portal's form for the template. It hands over where this release's zip lies: the template has Azure fetch the code there. */
function portalForm(): string {
  const releases = `https://github.com/${process.env.GITHUB_REPOSITORY ?? 'OWNER/NAME'}/releases/download`;
  const form = readFileSync(join(root, 'infra/createUiDefinition.json'), 'utf8');
  return form.replace('{packageUri}', `${releases}/v${version}/${name}-${version}.zip`);
}

function template(): string {
  if (bicepMissing() !== undefined) throw new Error('The template cannot be compiled on this machine.');
  const { status, stdout, diagnostics } = bicep(restoreBicep(), ['build', join(root, 'infra/main.bicep'), '--stdout']);
  if (status !== 0) throw new Error(diagnostics.join('\n'));
  return stdout;
}

interface Bom {
  components: { 'bom-ref': string; properties: { name: string }[] }[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}

/** Without what only developers install. npm's own `--omit dev` leaves out what both need, too. */
function deployedPackages(text: string): string {
  const bom = JSON.parse(text) as Bom;
  const isForDevelopment = ({ properties }: Bom['components'][number]) =>
    properties.some(({ name }) => name === 'cdx:npm:package:development');
  const left = new Set(bom.components.filter(isForDevelopment).map((component) => component['bom-ref']));
  const kept = {
    ...bom,
    components: bom.components.filter((component) => !left.has(component['bom-ref'])),
    dependencies: bom.dependencies
      .filter(({ ref }) => !left.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => !left.has(other)) })),
  };
  return `${JSON.stringify(kept, undefined, 2)}\n`;
}

function npm(...args: string[]): string {
  const program = process.env.npm_execpath;
  const [command, first] = program ? [process.execPath, [program]] : ['npm', []];
  return execFileSync(command, [...first, ...args], { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
}

function write(file: string, text: string): void {
  writeFileSync(join(folder, file), text);
}

function checksum(file: string): string {
  return createHash('sha256')
    .update(readFileSync(join(folder, file)))
    .digest('hex');
}
