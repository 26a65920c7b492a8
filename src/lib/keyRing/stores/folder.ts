import { randomUUID } from 'node:crypto';
import {
  chmod,
  chown,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { join } from 'node:path';
import { KeyRingError } from '../keyRingError.ts';
import { isAbort, Patience, silenceMs } from '../patience.ts';
import type { KeyRingStore, RingChange, StoredDamage, StoredElement, StoredRing } from '../reading/keyRingStore.ts';
import { fingerprint, readElements, stamp } from '../reading/ringDocument.ts';
import type { SealedXml } from '../reading/xml.ts';

/** Not `.xml`: .NET reads every file with that ending (FileSystemXmlRepository), and only those. */
const lockName = '.token-cache-maintenance.lock';
/** A subfolder, which .NET does not enter. */
const backupFolder = 'backup';
/** A write takes milliseconds: a lock this old is hardly one of a writer at work … */
const lockSuspectMs = 5_000;
/** … and a lock this old is a killed process's. */
const lockLifeMs = 30_000;
/** A file holds one element of a few kilobytes. */
const fileLimit = 1024 * 1024;

/** A link's target is missing, is the link itself, or lies below a file. */
const leadsNowhere = new Set(['ENOENT', 'ELOOP', 'ENOTDIR']);

/**
 * A ring as PersistKeysToFileSystem keeps it: a file for each element. A folder knows no write of several files at once:
 * new files come first, in their order, then replacements, then removals, so that a crash between two of them leaves a ring
 * that consumers can read and the next run can finish.
 */
export class FolderStore implements KeyRingStore {
  readonly description: string;
  readonly #folder: string;
  readonly #patience: Patience;

  /** A mount that hangs has no end of its own, and a call to it cannot be ended: it is waited for no longer. */
  constructor(folder: string, patience = new Patience({ eachMs: silenceMs })) {
    this.#folder = folder;
    this.#patience = patience;
    this.description = `folder ${folder}`;
  }

  read(): Promise<StoredRing & { version: string }> {
    return this.#inTime(() => this.#read());
  }

  async #read(): Promise<StoredRing & { version: string }> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    });
    const places = (names ?? []).filter(isReadByApps).sort();
    const kept: [string, Uint8Array][] = [];
    const others: StoredDamage[] = [];
    for (const place of places) {
      const content = await this.#contentOf(place);
      if (content instanceof Uint8Array) kept.push([place, content]);
      else if (content) others.push({ place, ...content });
    }
    const { elements, damage } = readElements(kept);
    const shownOthers = others.flatMap(({ place, problem }) => [place, problem]);
    return {
      exists: names !== undefined,
      elements,
      damage: [...damage, ...others],
      storeTime: undefined,
      version: fingerprint([...kept.flat(), ...shownOthers]),
    };
  }

  /**
   * Undefined: removed meanwhile. .NET opens whatever has the name, and throws on what is not a file; here a pipe would never end,
   * and a large file fill the memory.
   */
  async #contentOf(place: string): Promise<Uint8Array | Omit<StoredDamage, 'place'> | undefined> {
    const path = join(this.#folder, place);
    try {
      const target = await stat(path);
      if (!target.isFile()) return { problem: 'is not a file', isJudged: true };
      if (target.size > fileLimit)
        return { problem: `has more than ${fileLimit / 1024} KiB, and was not read`, isJudged: false };
      return await readFile(path);
    } catch (error) {
      if (!leadsNowhere.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      const isLink = await lstat(path).then(
        (entry) => entry.isSymbolicLink(),
        () => false,
      );
      return isLink ? { problem: 'is a link to nothing', isJudged: true } : undefined;
    }
  }

  write(ring: StoredRing & { version?: string }, change: RingChange): Promise<'written' | 'conflict'> {
    return this.#inTime(async () => {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      return this.#locked(async () => {
        if ((await this.#read()).version !== ring.version) return 'conflict';
        for (const { name, xml } of change.add)
          await this.#put(Buffer.from(`<?xml version="1.0" encoding="utf-8"?>\n${xml.reveal()}\n`), `${name}.xml`);
        for (const { element, xml } of change.replace) await this.#put(encoded(element, xml), element.place);
        for (const { place } of change.remove) await rm(join(this.#folder, place), { force: true });
        await flush(this.#folder);
        return 'written';
      });
    });
  }

  async keepCopy(ring: StoredRing, at: Date): Promise<string> {
    const name = join(backupFolder, `${stamp(at)}-${randomUUID().slice(0, 8)}`);
    const folder = join(this.#folder, name);
    await this.#inTime(async () => {
      await this.#refuseLinkedBackup();
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const element of ring.elements)
        await writeFlushed(join(folder, element.place), encoded(element, element.xml));
      await flush(folder);
    });
    return name;
  }

  async close(): Promise<void> {}

  /** Master keys are not to leave the folder through a link that somebody put there. */
  async #refuseLinkedBackup(): Promise<void> {
    const path = join(this.#folder, backupFolder);
    const isFolder = await lstat(path).then(
      (entry) => entry.isDirectory(),
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
    if (isFolder) return;
    throw new KeyRingError(
      'key_ring_forbidden',
      `${path} is a link or a file, not a folder: a copy of the ring would leave the folder. Nothing was written.`,
      'Remove it; the next run makes a folder of that name.',
    );
  }

  async #inTime<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#patience.ask(work);
    } catch (error) {
      if (isAbort(error)) throw unavailable(this.#folder, 'no answer in time', !this.#patience.isOver);
      throw error instanceof KeyRingError ? error : folderError(this.#folder, error as NodeJS.ErrnoException);
    }
  }

  /** A file that is there as a whole or not at all: flushed under a name that .NET does not read, then renamed. */
  async #put(content: Uint8Array, name: string): Promise<void> {
    const temporary = join(this.#folder, `${randomUUID()}.tmp`);
    try {
      await writeFlushed(temporary, content);
      await this.#giveToApps(temporary);
      await rename(temporary, join(this.#folder, name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /**
   * Mode and owner of the files that are there. The apps may run as another user: a file that they cannot open takes them
   * down like a broken one.
   */
  async #giveToApps(path: string): Promise<void> {
    const other = (await readdir(this.#folder)).find(isReadByApps);
    const model = await stat(other ? join(this.#folder, other) : this.#folder);
    const { uid, gid } = await stat(path);
    if (other) await chmod(path, model.mode & 0o777);
    if (uid === model.uid && gid === model.gid) return;
    await chown(path, model.uid, model.gid).catch(() => {
      // The group alone may differ, as long as the owner is the same.
      if (uid === model.uid) return;
      throw new KeyRingError(
        'key_ring_forbidden',
        `The files in ${this.#folder} belong to another user, who could not read a new one. Nothing was written.`,
        'Run this process as the user of the apps, or as root.',
      );
    });
  }

  /** Two of our own runs never write at once. Apps only add files, under names of their own. */
  async #locked(work: () => Promise<'written' | 'conflict'>): Promise<'written' | 'conflict'> {
    const path = join(this.#folder, lockName);
    let lock: FileHandle;
    try {
      lock = await open(path, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const age = await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (age > lockLifeMs) await rm(path, { force: true });
      if (age < lockSuspectMs) return 'conflict';
      throw new KeyRingError(
        'key_ring_busy',
        `Another run has held ${lockName} in ${this.#folder} for ${Math.ceil(age / 1000)} s.`,
        `Run this again: the lock of a run that was killed is removed after ${lockLifeMs / 1000} s.`,
        true,
      );
    }
    try {
      return await work();
    } finally {
      await lock.close();
      await rm(path, { force: true });
    }
  }
}

async function writeFlushed(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** In the encoding of the file that it stands in. */
function encoded(element: StoredElement & { encode?: (text: string) => Uint8Array }, xml: SealedXml): Uint8Array {
  return element.encode?.(xml.reveal()) ?? Buffer.from(xml.reveal());
}

/** `*.xml`, in lower case but on Windows (FileSystemXmlRepository on a case-sensitive system). */
function isReadByApps(name: string): boolean {
  return (process.platform === 'win32' ? name.toLowerCase() : name).endsWith('.xml');
}

/** So that names outlive a power failure as well. Where a folder cannot be opened (Windows), the system does without. */
async function flush(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function folderError(folder: string, { code, name }: NodeJS.ErrnoException): KeyRingError {
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new KeyRingError(
      'key_ring_forbidden',
      `The folder ${folder} may not be read or written (${code}).`,
      'Give the identity of this process read and write access to the folder and its files.',
    );
  }
  return unavailable(folder, code ?? name, true);
}

function unavailable(folder: string, reason: string, transient: boolean): KeyRingError {
  return new KeyRingError(
    'key_ring_unavailable',
    `The folder ${folder} could not be used (${reason}).`,
    'See whether the share is mounted and has space left; the next run tries again.',
    transient,
  );
}
