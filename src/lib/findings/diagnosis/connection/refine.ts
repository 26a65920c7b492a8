import { MaintenanceError } from '../../../errors.ts';
import { CacheTableError } from '../../../sql/cacheTableError.ts';

/** Makes of a failed login what an operator would look for: several causes share one number of the server. */
export function refine(error: unknown): unknown {
  if (!(error instanceof MaintenanceError)) return error;
  const { message } = error;
  const engineCode = error instanceof CacheTableError ? error.engineCode : '';
  // Entra: "The provided client secret keys for app … are expired" (AADSTS error codes).
  if (/AADSTS7000222/.test(message))
    return secretExpired('Make a new secret, or better use a managed identity, which has none.');
  // SQL Server 18487, 18488: the password has expired, or must be changed.
  if (/password of the account has expired|must be changed/i.test(message) || ['18487', '18488'].includes(engineCode))
    return new MaintenanceError(
      'secret_expired',
      'The password of the login has expired.',
      'Set a new password for the login and in the connection string, or use a managed identity.',
    );
  // Azure SQL answers so while a serverless database resumes, which takes about a minute, and during a failover.
  if (engineCode === '40613')
    return new MaintenanceError(
      'database_paused',
      'The database is not available at the moment: a serverless database that was paused is resuming, or it fails over.',
      'Wait a minute and try again. If it recurs, switch auto-pause off: each first user after a pause waits, and then signs in again.',
    );
  if (engineCode === '53300')
    return new MaintenanceError(
      'connection_limit',
      'The server has as many connections as it allows.',
      'Look for an app that opens a connection per request, lower the pool sizes (Maximum Pool Size) of the apps, or raise max_connections.',
    );
  if (engineCode === '10928' || engineCode === '10929')
    return new MaintenanceError(
      'connection_limit',
      'The database has reached its limit of sessions or workers.',
      'Lower the pool sizes of the apps (Max Pool Size), or raise the tier of the database.',
    );
  return error;
}

/** Failures of the first statement that are the database's, not the login's. */
export const databaseCauses = new Set(['database_missing', 'database_unavailable', 'database_paused']);

export function secretExpired(advice: string): MaintenanceError {
  return new MaintenanceError(
    'secret_expired',
    'The client secret of the identity has expired (AADSTS7000222).',
    advice,
  );
}
