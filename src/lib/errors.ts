import type { ErrorCode } from './errorCodes.ts';
import { type Secret, withoutSecrets } from './secret.ts';

/** What a {@link MaintenanceError} says: a code that stays the same over versions, what happened, what to do about it. */
export interface ErrorReport {
  code: string;
  message: string;
  advice: string;
}

/**
 * The only kind of error that reaches an operator. It carries no `cause`: a driver's error may hold a connection string
 * or a parameter, so what is worth telling is copied into `message`, with secrets already taken out.
 */
export class MaintenanceError extends Error {
  readonly code: ErrorCode;
  readonly advice: string;

  constructor(code: ErrorCode, message: string, advice: string) {
    super(ended(withoutSecrets(message)));
    this.name = 'MaintenanceError';
    this.code = code;
    this.advice = withoutSecrets(advice);
  }
}

/** Servers' texts often lack a full stop, and the advice follows them. */
function ended(message: string): string {
  return /[.!?;]$/.test(message) ? message : `${message}.`;
}

/** Shapes any thrown value as an error report. What is not a {@link MaintenanceError} is a defect, and says so. */
export function toErrorReport(error: unknown): ErrorReport {
  if (error instanceof MaintenanceError) return { code: error.code, message: error.message, advice: error.advice };
  const message = error instanceof Error ? `${error.name}: ${error.message}` : 'What was thrown is not an error';
  return {
    code: 'internal_error',
    message: ended(withoutSecrets(message)),
    advice: 'This is a defect of token-cache-maintenance: please report it with the run id.',
  };
}

/** Replaces each secret in `text` by `***`. Secrets shorter than 4 characters are left: they would blank out ordinary words. */
export function redact(text: string, secrets: readonly Secret[]): string {
  return secrets
    .map((secret) => secret.reveal())
    .filter((secret) => secret.length >= 4)
    .reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}
