import { MaintenanceError } from '../../../errors.ts';
import { clientWords, Line } from './line.ts';
import type { ConnectionProbe, StepName } from './probe.ts';
import { secretExpired } from './refine.ts';

export interface HttpsTarget {
  /** `Blob storage`, `Key Vault`. */
  kind: string;
  url: URL;
  /** Certificates of private authorities, in PEM. */
  ca?: string | undefined;
  /** A first request with the service's own client. */
  request(): Promise<void>;
}

/** At which step a service refuses is told by the code of the failure: its client does login and request in one. */
const stepsOfCodes: Record<string, StepName> = {
  login_failed: 'login',
  secret_expired: 'login',
  key_ring_container_missing: 'database',
  key_ring_forbidden: 'permission',
  key_vault_forbidden: 'permission',
};

/** The store has answered, and what it holds is for the checks of the ring. */
const damaged = 'key_ring_damaged';

/** Blob storage and Key Vault: the line by itself, then one request with the service's own client. */
export function httpsProbe({ kind, url, ca, request }: HttpsTarget): ConnectionProbe {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const line = new Line(host, Number(url.port || (url.protocol === 'https:' ? 443 : 80)), clientWords.https);
  const secure = (signal: AbortSignal) => line.secure({ name: host, checked: true, ca }, signal);
  return {
    kind,
    line,
    steps: {
      ...line.steps(url.protocol === 'https:' ? secure : undefined),
      login: async () => {
        try {
          await request();
        } catch (error) {
          const told = tell(error);
          const code = told instanceof MaintenanceError ? told.code : '';
          if (code === damaged) return undefined;
          const step = stepsOfCodes[code];
          if (step === undefined || step === 'login') throw told;
          return { step, error: told };
        }
        return undefined;
      },
      database: async () => undefined,
      permission: async () => undefined,
    },
  };
}

/** The adapters say "forbidden" of whatever is refused; a credential that cannot be had is the login's. */
function tell(error: unknown): unknown {
  if (!(error instanceof MaintenanceError)) return error;
  if (/AADSTS7000222/.test(error.message)) return secretExpired(error.advice);
  if (/Credential|AuthenticationFailed|AuthenticationRequired/.test(error.message))
    return new MaintenanceError('login_failed', error.message, error.advice);
  return error;
}
