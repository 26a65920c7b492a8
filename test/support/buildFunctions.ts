import { execFileSync } from 'node:child_process';
import { root } from './childProcess.ts';

/** Builds the functions once before all tests: what is tested is what is deployed. */
export default function setup(): void {
  execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'pipe' });
}
