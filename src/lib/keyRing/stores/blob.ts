import type { BlockBlobClient, BlockBlobUploadOptions, ContainerClient, RestError } from '@azure/storage-blob';
import { isCredentialError, KeyRingError } from '../keyRingError.ts';
import { isAbort, Patience } from '../patience.ts';
import type { KeyRingStore, RingChange, StoredRing } from '../reading/keyRingStore.ts';
import { RingDocument, stamp } from '../reading/ringDocument.ts';
import { XmlFormError } from '../reading/xml.ts';

interface BlobRing extends StoredRing {
  document: RingDocument;
  etag: string | undefined;
  /** The owner's own: a write would drop it. */
  metadata: Record<string, string>;
}

/** Somebody else has written since. Other 409s and 412s (leases, a container being deleted) have reasons of their own. */
const conflictCodes = ['ConditionNotMet', 'BlobAlreadyExists'];
/** Rings are a few kilobytes; what is larger is not a ring. */
const sizeLimit = 16 * 1024 * 1024;

/**
 * A ring as PersistKeysToAzureBlobStorage keeps it: one block blob. Writes are conditional on its ETag, as those of the
 * .NET library (AzureBlobXmlRepository.cs), so neither overwrites the other.
 */
export class BlobStore implements KeyRingStore {
  readonly description: string;
  readonly #container: ContainerClient;
  readonly #blob: BlockBlobClient;
  readonly #patience: Patience;

  /** The SDK would wait for an answer without end. */
  constructor(container: ContainerClient, blobName: string, patience = new Patience()) {
    this.#patience = patience;
    this.#container = container;
    this.#blob = container.getBlockBlobClient(blobName);
    const url = new URL(this.#blob.url);
    this.description = `blob ${url.origin}${url.pathname}`;
  }

  async read(): Promise<BlobRing> {
    try {
      const { answer, bytes } = await this.#patience.ask(async (abortSignal) => {
        const answer = await this.#blob.download(undefined, undefined, { abortSignal });
        if ((answer.contentLength ?? 0) > sizeLimit) throw this.#tooLarge();
        return { answer, bytes: await collect(answer.readableStreamBody) };
      });
      const { date, etag, metadata = {} } = answer;
      return ringOf(RingDocument.parse(bytes), date, { etag, metadata });
    } catch (error) {
      if (error instanceof XmlFormError) throw this.#damaged(error.message);
      if (!isRestError(error) || error.code !== 'BlobNotFound') throw this.#explain(error);
      const date = error.response?.headers.get('date');
      return ringOf(RingDocument.empty(), date ? new Date(date) : undefined, { etag: undefined, metadata: {} });
    }
  }

  async write(ring: BlobRing, change: RingChange): Promise<'written' | 'conflict'> {
    const bytes = ring.document.changed(change);
    this.#refuseUnproven(ring, change, bytes);
    try {
      await this.#upload(this.#blob, bytes, {
        conditions: ring.etag ? { ifMatch: ring.etag } : { ifNoneMatch: '*' },
        metadata: ring.metadata,
      });
      return 'written';
    } catch (error) {
      if (isRestError(error) && conflictCodes.includes(error.code ?? '')) return 'conflict';
      throw this.#explain(error);
    }
  }

  async keepCopy(ring: BlobRing, at: Date): Promise<string> {
    // With the version in its name: two copies of one moment never meet, and one made twice is the same.
    const version = (ring.etag ?? 'none').replaceAll(/[^A-Za-z0-9]/g, '');
    const name = `${this.#blob.name}.${stamp(at)}-${version}.bak`;
    try {
      const copy = this.#container.getBlockBlobClient(name);
      await this.#upload(copy, ring.document.bytes(), { conditions: { ifNoneMatch: '*' } });
    } catch (error) {
      // Written by the same run, whose answer got lost.
      if (!isRestError(error) || error.code !== 'BlobAlreadyExists') throw this.#explain(error);
    }
    return name;
  }

  #upload(blob: BlockBlobClient, bytes: Uint8Array, options: BlockBlobUploadOptions) {
    const blobHTTPHeaders = { blobContentType: 'application/xml; charset=utf-8' };
    return this.#patience.ask((abortSignal) =>
      blob.upload(Buffer.from(bytes), bytes.length, { ...options, blobHTTPHeaders, abortSignal }),
    );
  }

  async close(): Promise<void> {}

  /** All of it is read again as apps will read it: one wrong character, and they read nothing. */
  #refuseUnproven(ring: BlobRing, { add, remove }: RingChange, bytes: Uint8Array): void {
    try {
      if (RingDocument.parse(bytes).elements.length === ring.elements.length + add.length - remove.length) return;
    } catch (error) {
      if (!(error instanceof XmlFormError)) throw error;
    }
    throw new KeyRingError(
      'key_ring_damaged',
      `${this.description} with the change made could not be read as apps read it. Nothing was written.`,
      'This is a defect of token-cache-maintenance: please report it with the run id, without the ring.',
    );
  }

  #damaged(problem: string): KeyRingError {
    return new KeyRingError(
      'key_ring_damaged',
      `The ring in ${this.description} ${problem}.`,
      'Every app that reads it fails at its next refresh: restore the last good version (blob versions, soft delete or a .bak copy).',
    );
  }

  #tooLarge(): KeyRingError {
    return new KeyRingError(
      'key_ring_damaged',
      `The ring in ${this.description} has more than ${sizeLimit / 2 ** 20} MiB, and was not read; apps read it.`,
      'Look whether it is a ring, and what fills it; prune it from an app, or by hand after a copy.',
    );
  }

  #forbidden(reason: string): KeyRingError {
    return new KeyRingError(
      'key_ring_forbidden',
      `${this.description} may not be used (${reason}).`,
      'Give the identity the role Storage Blob Data Contributor on the container (Reader for a ring in mode observe), and look at the firewall of the storage account.',
    );
  }

  /** What went wrong, without the request: its URL may hold a signature. */
  #explain(error: unknown): unknown {
    if (error instanceof KeyRingError) return error;
    if (isCredentialError(error)) return this.#forbidden('no token');
    if (!isRestError(error) && !isAbort(error)) return error;
    const { statusCode, code } = isRestError(error) ? error : {};
    const name = code ?? String(statusCode ?? 'no answer');
    if (code === 'ContainerNotFound' || code === 'ContainerBeingDeleted') {
      return new KeyRingError(
        'key_ring_container_missing',
        `The container of ${this.description} does not exist.`,
        "Create the container, or correct the ring's store in KEY_RINGS.",
      );
    }
    if (statusCode === 401 || statusCode === 403) return this.#forbidden(name);
    if (code === 'BlobArchived' || code === 'BlobBeingRehydrated') {
      return new KeyRingError(
        'key_ring_unavailable',
        `${this.description} is in the archive tier, where nobody can read it (${code}).`,
        'Move it to the hot tier (rehydrating takes hours), and keep lifecycle rules away from it: no app can read the ring meanwhile.',
      );
    }
    if (code === 'LeaseIdMissing') {
      return new KeyRingError(
        'key_ring_leased',
        `${this.description} is leased by somebody else, so nobody may write it.`,
        'Break the lease, or wait for its end; apps cannot write it either.',
        true,
      );
    }
    const transient = statusCode === undefined || statusCode === 409 || statusCode === 429 || statusCode >= 500;
    return new KeyRingError(
      'key_ring_unavailable',
      `${this.description} did not answer as it should (${name}).`,
      'If it lasts, look at the health and the network rules of the storage account; the next run tries again.',
      transient && !this.#patience.isOver,
    );
  }
}

function ringOf(
  document: RingDocument,
  storeTime: Date | undefined,
  version: Pick<BlobRing, 'etag' | 'metadata'>,
): BlobRing {
  const { elements, isOneElement } = document;
  return { exists: version.etag !== undefined, isOneElement, elements, damage: [], storeTime, document, ...version };
}

function isRestError(error: unknown): error is RestError {
  return error instanceof Error && error.name === 'RestError';
}

async function collect(stream: NodeJS.ReadableStream | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
