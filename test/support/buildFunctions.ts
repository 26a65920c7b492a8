import { execFileSync } from 'node:child_process';
import { root } from './childProcess.ts';

/** Builds and packages the functions once before all tests: what is tested is what is deployed. */
export default function setup(): void {
  execFileSync('npm', ['run', 'package'], { cwd: root, stdio: 'pipe' });
}
