import { stat } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { MaintenanceError } from '../../errors.ts';
import { codeOf } from '../../sockets.ts';
import { Budget } from './budget.ts';
import { readFile, readFolder } from './folder.ts';
import { isSource, type Sources } from './sourceFile.ts';
import { readZip } from './zip.ts';

/**
 * Reads a web app's folder, a zip of it, or one of its files; a project or solution stands for its folder. Nothing is run, no link
 * is followed, and at most `limitBytes` are read.
 * @throws MaintenanceError `app_unreadable`
 */
export async function readSources(path: string, limitBytes: number): Promise<Sources> {
  const budget = new Budget(limitBytes);
  try {
    const found = await stat(path);
    if (found.isDirectory()) return await readFolder(path, budget);
    const kind = extname(path).toLowerCase();
    if (['.csproj', '.sln', '.slnx'].includes(kind)) return await readFolder(dirname(path), budget);
    if (kind === '.zip') return await readZip(path, budget);
    if (!found.isFile() || !isSource(basename(path))) throw unreadable('it is not a source of an app');
    const file = await readFile(path, basename(path), budget);
    return { files: file ? [file] : [], leftOut: budget.leftOut };
  } catch (error) {
    if (error instanceof MaintenanceError) throw error;
    throw unreadable(codeOf(error));
  }
}

function unreadable(reason: string): MaintenanceError {
  return new MaintenanceError(
    'app_unreadable',
    `The web app cannot be read (${reason})`,
    'Name its folder, a .zip of that, or one of its files (.cs, appsettings.json), which you may read.',
  );
}
