import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const removeTries = 100;
const waitMs = 20;

/** A new folder that is removed by `remove`, or when this process exits. */
export function temporaryFolder(name: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `token-cache-${name}-`));
  const remove = () => {
    process.off('exit', remove);
    removeFolder(path);
  };
  process.once('exit', remove);
  return { path, remove };
}

/**
 * Removes a folder that a dying server may still be tidying up: Node.js leaves the rest where it is when a file is gone that
 * it was about to remove. Synchronous, for a process that exits.
 */
export function removeFolder(path: string): void {
  for (let attempt = 0; attempt < removeTries && existsSync(path); attempt += 1) {
    if (attempt > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // A file was made meanwhile.
    }
  }
}
