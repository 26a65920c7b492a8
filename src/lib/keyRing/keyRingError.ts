import type { ErrorCode } from '../errorCodes.ts';
import { MaintenanceError } from '../errors.ts';

/** A failure of a store or protector. */
export class KeyRingError extends MaintenanceError {
  /** Worth another try: the service was busy, or its answer got lost. A write may have been done all the same. */
  readonly transient: boolean;

  constructor(code: ErrorCode, message: string, advice: string, transient = false) {
    super(code, message, advice);
    this.name = 'KeyRingError';
    this.transient = transient;
  }
}

/** Whether @azure/identity had no token to give. Its messages may quote an answer, so they are not repeated. */
export function isCredentialError(error: unknown): boolean {
  return error instanceof Error && /Authentication|CredentialUnavailable/.test(error.name);
}

export function isTransient(error: unknown): boolean {
  return error instanceof KeyRingError && error.transient;
}
