/**
 * Small programs `az` and `azd` for a PATH of their own: they answer what they are told to, and keep what they are asked. They
 * prove what a hook asks and what it makes of the answers, not what Azure would say; `az bicep` is the real compiler.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface AzPrograms {
  /** Put before the PATH of a hook. */
  path: string;
  /** What was asked, a line a call. */
  calls(): string[];
  remove(): void;
}

/** The compiler that `az bicep` is, and a folder for what it has made: the same settings are compiled once. */
export interface AzBicep {
  program: string;
  kept: string;
}

/** `answers`: by the beginning of a call, its answer as JSON; `error:…` ends it with that text. The longest beginning counts. */
export function azPrograms(answers: Record<string, unknown>, bicep?: AzBicep): AzPrograms {
  const folder = mkdtempSync(join(tmpdir(), 'az-'));
  const log = join(folder, 'calls.txt');
  writeFileSync(join(folder, 'answers.json'), JSON.stringify(answers));
  const program = `#!${process.execPath}
const { createHash } = require('node:crypto');
const { appendFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const { spawnSync } = require('node:child_process');
const args = process.argv.slice(2);
const call = [basename(process.argv[1]), ...args].join(' ');
appendFileSync(${JSON.stringify(log)}, call + '\\n');
const bicep = ${JSON.stringify(bicep ?? null)};
if (call.startsWith('az bicep build') && bicep) {
  const [, command, ...rest] = args;
  const given = rest.filter((arg, at) => !['--file', '--only-show-errors', '--output'].includes(arg) && rest[at - 1] !== '--output');
  const { PATH, ...settings } = process.env;
  const kept = join(bicep.kept, createHash('sha256').update(JSON.stringify([given, Object.entries(settings).sort()])).digest('hex'));
  if (!existsSync(kept)) {
    const { status, stdout } = spawnSync(bicep.program, [command, ...given], {
      env: { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: '1', DOTNET_TieredCompilation: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 64 * 1024 * 1024,
    });
    if (status !== 0) process.exit(status ?? 1);
    writeFileSync(kept, stdout);
  }
  process.stdout.write(readFileSync(kept));
  return;
}
const answers = JSON.parse(readFileSync(join(${JSON.stringify(folder)}, 'answers.json'), 'utf8'));
const [known] = Object.keys(answers).filter((each) => call.startsWith(each)).sort((one, other) => other.length - one.length);
const answer = known === undefined ? 'error:no answer is known' : answers[known];
if (typeof answer === 'string' && answer.startsWith('error:')) {
  console.error(answer.slice(6));
  process.exit(1);
}
console.log(JSON.stringify(answer));
`;
  for (const name of ['az', 'azd']) {
    writeFileSync(join(folder, name), program);
    chmodSync(join(folder, name), 0o755);
  }
  return {
    path: `${folder}${delimiter}${process.env.PATH}`,
    calls: () =>
      existsSync(log)
        ? readFileSync(log, 'utf8')
            .split('\n')
            .map((call) => call.trimEnd())
            .filter(Boolean)
        : [],
    remove: () => rmSync(folder, { recursive: true }),
  };
}
