import type { BlobLeaseClient, BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { answerOf, soon } from '../azure/storage.ts';
import type { Clock } from '../clock.ts';
import { MaintenanceError } from '../errors.ts';
import type { ServerSlots, Slot } from './serverSlots.ts';

export const slotContainerName = 'token-cache-maintenance-slots';

/** From 15 to 60 (Azure documentation, "Lease Blob"): how long a dead instance keeps its place. */
const leaseSeconds = 30;
const renewEveryMs = 10_000;

interface BlobSlotsOptions {
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
export function blobSlots(
  open: () => Promise<ContainerClient>,
  { places, clock, random }: BlobSlotsOptions,
): ServerSlots {
  let opened: Promise<ContainerClient> | undefined;
  const create = async () => {
    const container = await open();
    await container.createIfNotExists(soon());
    return container;
  };
  return {
    async tryTake(server, kind) {
      // From a random place on: instances that start together then do not all ask for the first.
      const first = Math.floor(random() * places);
      try {
        opened ??= create();
        const container = await opened;
        for (let index = 0; index < places; index += 1) {
          const blob = `${kind}/${encodeURIComponent(server)}/${(first + index) % places}`;
          const lease = await acquire(container.getBlockBlobClient(blob));
          if (lease) return held(lease, clock);
        }
        return undefined;
      } catch (error) {
        opened = undefined;
        throw new MaintenanceError(
          'slots_unavailable',
          `The leases that limit the runs at each database server cannot be had${answerOf(error)}.`,
          'Check the storage account of the function app (AzureWebJobsStorage): its network rules, and the role Storage Blob Data Contributor of the identity.',
        );
      }
    },
  };
}

/** Undefined where another holds it. */
async function acquire(blob: BlockBlobClient): Promise<BlobLeaseClient | undefined> {
  for (const create of [false, true]) {
    if (create) await blob.upload('', 0, { conditions: { ifNoneMatch: '*' }, ...soon() }).catch(oneOf(409, 412));
    const lease = blob.getBlobLeaseClient();
    // 404: the blob is not there yet · 409: leased.
    const status = await lease.acquireLease(leaseSeconds, soon()).then(() => 'held', oneOf(404, 409));
    if (status === 'held') return lease;
    if (status === 409) return undefined;
  }
  return undefined;
}

function held(lease: BlobLeaseClient, clock: Clock): Slot {
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

/** The status of a failure that has one of these. */
const oneOf =
  (...statuses: number[]) =>
  (error: unknown): number => {
    const { statusCode = 0 } = error as { statusCode?: number };
    if (!statuses.includes(statusCode)) throw error;
    return statusCode;
  };
