import type { ErrorCode } from '../../errorCodes.ts';
import { CacheTableError } from '../../sql/cacheTableError.ts';
import { KeyRingError } from '../keyRingError.ts';
import { isAbort, type Patience } from '../patience.ts';
import type { KeyRingStore, RingChange, StoredElement, StoredRing } from '../reading/keyRingStore.ts';
import { fingerprint, readElements, stamp } from '../reading/ringDocument.ts';

/** A row of the table. Its Id says nothing to .NET, nor does its name. */
export interface RingRow {
  id: number;
  friendlyName: string | null;
  xml: string | null;
}

export interface RowChange {
  add: readonly { name: string; xml: string }[];
  replace: readonly { id: number; xml: string }[];
  remove: readonly number[];
}

/** The table of one engine. Each failure is a CacheTableError or a KeyRingError. */
export interface RingTable {
  /** Its engine, name and server. */
  readonly description: string;
  /** For an administrator: the rights that the ring needs. */
  readonly rights: string;
  /** The rows by their Id, and the server's clock. */
  read(): Promise<{ rows: RingRow[]; now: Date }>;
  /** Keeps all others from writing, reads, and makes the change where the rows are as expected; all of it or nothing. */
  change(isAsExpected: (rows: RingRow[]) => boolean, change: RowChange, signal: AbortSignal): Promise<boolean>;
  readonly copies: CopiesTable;
  close(): Promise<void>;
}

/** The table beside the ring's that its copies go to. Entity Framework knows nothing of it, so no app reads it. */
export interface CopiesTable {
  /** Delimited. */
  readonly name: string;
  /** The statement that makes it. */
  readonly create: string;
  isThere(): Promise<boolean>;
  make(): Promise<unknown>;
  /** Copies the ring's rows as they are. */
  add(at: string): Promise<unknown>;
}

/**
 * A ring as PersistKeysToDbContext keeps it: a row for each element (EntityFrameworkCoreXmlRepository.cs). Apps only insert;
 * .NET passes over a row whose Xml is null or empty, and parses the others in no order of its own.
 */
export class TableStore implements KeyRingStore {
  readonly description: string;
  readonly #open: () => RingTable;
  #table: RingTable;
  readonly #closing: Promise<void>[] = [];
  readonly #patience: Patience;

  constructor(open: () => RingTable, patience: Patience) {
    this.#open = open;
    this.#table = open();
    this.#patience = patience;
    this.description = this.#table.description;
  }

  async read(): Promise<StoredRing & { version: string }> {
    const { rows, now } = await this.#ask(() => this.#table.read());
    return {
      exists: rows.length > 0,
      ...readElements(rows.flatMap(({ id, xml }) => (xml ? [[`row ${id}`, xml]] : []))),
      storeTime: now,
      version: versionOf(rows),
    };
  }

  async write(ring: StoredRing & { version?: string }, change: RingChange): Promise<'written' | 'conflict'> {
    const isAsRead = (rows: RingRow[]) => versionOf(rows) === ring.version;
    const written = await this.#ask((signal) => this.#table.change(isAsRead, rowsOf(change), signal));
    return written ? 'written' : 'conflict';
  }

  keepCopy(_ring: StoredRing, at: Date): Promise<string> {
    return this.#ask(() => this.#copy(stamp(at)));
  }

  /** From table to table: what another has written since is in it too, and then the write that follows is a conflict. */
  async #copy(at: string): Promise<string> {
    const { copies } = this.#table;
    if (!(await copies.isThere())) {
      try {
        await copies.make();
      } catch (error) {
        if (!(error instanceof CacheTableError) || error.kind !== 'permanent') throw error;
        if (error.code === 'permission_missing') throw noPlaceForCopies(copies);
        // Another run may have made it meanwhile.
        if (!(await copies.isThere())) throw error;
      }
    }
    await copies.add(at);
    return `${copies.name}, CopiedAt ${at}`;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#closing, this.#table.close()]);
  }

  /** A line that went dead is not asked again. */
  #renew(): void {
    this.#closing.push(this.#table.close());
    this.#table = this.#open();
  }

  async #ask<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.#patience.ask(call);
    } catch (error) {
      if (isAbort(error)) this.#renew();
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    if (error instanceof KeyRingError) return error;
    const advice = 'If it lasts, look at the database server and the network; the next run tries again.';
    const isOver = this.#patience.isOver;
    if (isAbort(error))
      return new KeyRingError('key_ring_unavailable', `${this.description} did not answer in time.`, advice, !isOver);
    if (!(error instanceof CacheTableError)) return error;
    const { code, kind, message } = error;
    const isTransient = kind !== 'permanent' && kind !== 'rows' && !isOver;
    const [told, todo] = this.#adviceOn(error);
    return new KeyRingError(told ?? code, `${this.description}: ${message}`, todo ?? error.advice, isTransient);
  }

  /** What the cause asks of the owner of a ring, where it differs from what it asks of a cache's. */
  #adviceOn({ code, advice }: CacheTableError): [code: ErrorCode, advice: string] | [] {
    switch (code) {
      case 'permission_missing':
        return ['key_ring_forbidden', this.#table.rights];
      case 'database_unavailable':
      case 'statement_timeout':
      case 'lock_in_the_way':
        return ['key_ring_unavailable', advice];
      case 'table_missing':
        return [
          code,
          "Let the app make it (`dotnet ef database update`), or correct the ring's store in KEY_RINGS: its database and `table`.",
        ];
      case 'column_missing':
        return [code, 'It needs the columns Id, FriendlyName and Xml of the entity DataProtectionKey.'];
      default:
        return [];
    }
  }
}

function versionOf(rows: readonly RingRow[]): string {
  return fingerprint(rows.map((row) => JSON.stringify([row.id, row.friendlyName, row.xml])));
}

function rowsOf({ add, replace, remove }: RingChange): RowChange {
  return {
    add: add.map(({ name, xml }) => ({ name, xml: xml.reveal() })),
    replace: replace.map(({ element, xml }) => ({ id: idOf(element), xml: xml.reveal() })),
    remove: remove.map(idOf),
  };
}

function idOf({ place }: StoredElement): number {
  return Number(place.slice('row '.length));
}

function noPlaceForCopies({ name, create }: CopiesTable): KeyRingError {
  return new KeyRingError(
    'key_ring_forbidden',
    `Before a write that removes, changes or revokes, the ring is copied into ${name}, which is missing, and this login may not make it. Nothing was written.`,
    `Let an administrator of the database make the table, and give this login the right to insert: ${create}`,
  );
}
