import type { BlobLeaseClient, ContainerClient } from '@azure/storage-blob';
import { soon } from '../azure/storage.ts';
import type { Clock } from '../clock.ts';
import { MaintenanceError } from '../errors.ts';
import type { ServerSlots, Slot, SlotKind } from './serverSlots.ts';

export const slotContainerName = 'token-cache-maintenance-slots';

/** From 15 to 60 (Azure documentation, "Lease Blob"): how long a dead instance keeps its place. */
const leaseSeconds = 30;
const renewEveryMs = 10_000;

export interface BlobSlotsOptions {
  /** Places at each server for each kind. */
  places: number;
  clock: Clock;
  /** From 0 to below 1. */
  random: () => number;
}

/**
 * Places as leases on empty blobs, `{kind}/{server}/{number}`. The storage ends a lease that is not renewed, by its own
 * clock: no two machines' clocks are compared.
 * @throws MaintenanceError `slots_unavailable`
 */
export class BlobSlots implements ServerSlots {
  readonly #open: () => Promise<ContainerClient>;
  readonly #options: BlobSlotsOptions;
  #container: Promise<ContainerClient> | undefined;

  constructor(open: () => Promise<ContainerClient>, options: BlobSlotsOptions) {
    this.#open = open;
    this.#options = options;
  }

  async tryTake(server: string, kind: SlotKind): Promise<Slot | undefined> {
    const { places, random } = this.#options;
    // From a random place on: instances that start together then do not all ask for the first.
    const first = Math.floor(random() * places);
    try {
      const container = await this.#createdContainer();
      for (let index = 0; index < places; index += 1) {
        const blob = `${kind}/${encodeURIComponent(server)}/${(first + index) % places}`;
        const lease = await this.#acquire(container, blob);
        if (lease) return this.#held(lease);
      }
      return undefined;
    } catch (error) {
      this.#container = undefined;
      throw unavailable(error);
    }
  }

  /** Undefined where another holds it. */
  async #acquire(container: ContainerClient, name: string): Promise<BlobLeaseClient | undefined> {
    const blob = container.getBlockBlobClient(name);
    for (const create of [false, true]) {
      if (create) await blob.upload('', 0, { conditions: { ifNoneMatch: '*' }, ...soon() }).catch(ignore(409, 412));
      const lease = blob.getBlobLeaseClient();
      const status = await lease.acquireLease(leaseSeconds, soon()).then(() => 'held', statusOf);
      if (status === 'held') return lease;
      if (status === 409) return undefined;
    }
    return undefined;
  }

  #held(lease: BlobLeaseClient): Slot {
    const { clock } = this.#options;
    const released = new AbortController();
    const renewing = (async () => {
      for (;;) {
        await clock.sleep(renewEveryMs, released.signal);
        if (released.signal.aborted) return;
        // A place that is lost is not a reason to stop a run: for its rest there may be one run more than wanted.
        await lease.renewLease(soon()).catch(() => undefined);
      }
    })();
    return {
      release: async () => {
        released.abort();
        await renewing;
        // Else it ends by itself.
        await lease.releaseLease(soon()).catch(() => undefined);
      },
    };
  }

  #createdContainer(): Promise<ContainerClient> {
    this.#container ??= this.#open().then(async (container) => {
      await container.createIfNotExists(soon());
      return container;
    });
    return this.#container;
  }
}

/** 404: the blob is not there yet · 409: leased. */
function statusOf(error: unknown): number {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== 404 && statusCode !== 409) throw error;
  return statusCode;
}

const ignore =
  (...statuses: number[]) =>
  (error: unknown): undefined => {
    if (!statuses.includes((error as { statusCode?: number }).statusCode ?? 0)) throw error;
  };

function unavailable(error: unknown): MaintenanceError {
  const { statusCode, code } = (error ?? {}) as { statusCode?: unknown; code?: unknown };
  const said = [statusCode, code].filter((part) => typeof part === 'number' || typeof part === 'string').join(' ');
  return new MaintenanceError(
    'slots_unavailable',
    `The leases that limit the runs at each database server cannot be had${said ? ` (${said})` : ''}.`,
    'Check the storage account of the function app (AzureWebJobsStorage): its network rules, and the role Storage Blob Data Contributor of the identity.',
  );
}
