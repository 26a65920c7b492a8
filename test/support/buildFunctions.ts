import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { compileCache, root } from './childProcess.ts';

/** Builds and packages the functions once before all tests: what is tested is what is deployed. */
export default function setup(): void {
  // It would grow from run to run: some scripts lie in folders of their own.
  rmSync(compileCache, { recursive: true, force: true });
  execFileSync('npm', ['run', 'package'], { cwd: root, stdio: 'pipe' });
}
