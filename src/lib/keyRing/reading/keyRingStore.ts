import type { SealedXml } from './xml.ts';

/**
 * The port to where a key ring is kept. An adapter reads elements as they are and changes them without touching the
 * others; what the elements mean, and what is to be done, is the jobs'. `test/conformance/keyRingStore.ts` holds what each
 * must do.
 */

/** One element of the ring, as it stands in the store. */
export interface StoredElement {
  /** Where it stands, for a reader: a file's name, or its number. Unique within one reading. */
  readonly place: string;
  readonly xml: SealedXml;
}

export interface StoredDamage {
  readonly place: string;
  readonly problem: string;
  /** False where apps may read what this tool does not. */
  readonly isJudged: boolean;
}

/** A reading of the ring. Handed back to `write`, which refuses it when the ring has changed since. */
export interface StoredRing {
  /** False where the blob, folder or list does not exist yet. */
  readonly exists: boolean;
  readonly elements: readonly StoredElement[];
  /** What the store holds in place of elements, and consumers stumble over: a file that is not well-formed XML. */
  readonly damage: readonly StoredDamage[];
  /** The whole of it is itself a key or revocation, in which consumers look for keys. */
  readonly isOneElement?: boolean;
  /** The store's own clock, where it tells. */
  readonly storeTime: Date | undefined;
}

/** Elements to add, in order; to put in the place of others; and to take away. Done as one write where the store has such. */
export interface RingChange {
  add: readonly { name: string; xml: SealedXml }[];
  replace: readonly { element: StoredElement; xml: SealedXml }[];
  remove: readonly StoredElement[];
}

export interface KeyRingStore {
  /** Where the ring is, without a secret. */
  readonly description: string;
  /** @throws MaintenanceError `key_ring_damaged` where the whole of it cannot be read as XML */
  read(): Promise<StoredRing>;
  /**
   * Changes the ring as it was read; `conflict` where somebody else has written since, and nothing was changed.
   * @throws KeyRingError, with `transient` where the answer may have been lost: the change may be there then
   */
  write(ring: StoredRing, change: RingChange): Promise<'written' | 'conflict'>;
  /** Keeps a dated copy of the ring as it was read, where no consumer looks. Says where. */
  keepCopy(ring: StoredRing, at: Date): Promise<string>;
  close(): Promise<void>;
}
