import type { Evidence } from '../../../checks/check.ts';
import type { Clock } from '../../../clock.ts';
import type { ErrorCode } from '../../../errorCodes.ts';
import { type ErrorReport, MaintenanceError, toErrorReport } from '../../../errors.ts';

/** The steps of a connection, in their order: the one that fails tells a firewall from a wrong password. */
export type StepName = 'name' | 'tcp' | 'tls' | 'login' | 'database' | 'permission';

export interface ProbeStep {
  name: StepName;
  /** Goes on from where the step before ended. `signal` ends it. */
  run(signal: AbortSignal): Promise<Evidence[] | undefined>;
}

/** What the server's certificate says, whether it is accepted or not. */
export interface CertificateFacts {
  /** Common name, or the first alternative name. */
  name: string;
  issuer: string;
  validTo: Date;
  chainLength: number;
  /** OpenSSL's code, or `ERR_TLS_CERT_ALTNAME_INVALID`; undefined where it is trusted and made for this name. */
  problem: string | undefined;
  tlsVersion: string;
}

/** The port to one server: its steps, each on top of the one before. Reads only. */
export interface ConnectionProbe {
  /** `SQL Server`, `PostgreSQL`, … */
  readonly kind: string;
  /** `host:port`. */
  readonly target: string;
  readonly steps: readonly ProbeStep[];
  /** After the step `tls`. */
  readonly certificate?: CertificateFacts | undefined;
  close(): Promise<void> | void;
}

export interface StepLook {
  step: StepName;
  milliseconds: number;
}

export interface ConnectionLook {
  kind: string;
  target: string;
  /** Those that succeeded, and the one that did not. */
  steps: StepLook[];
  evidence: Evidence[];
  failure: { step: StepName; error: ErrorReport } | undefined;
  certificate: CertificateFacts | undefined;
}

/** A step that hangs is ended after this: longer than any server takes that is well. */
const stepLimitMs = 6_000;

/** Takes the steps until one fails, and times each. Closes the probe. */
export async function lookAtConnection(
  probe: ConnectionProbe,
  clock: Clock,
  signal: AbortSignal | undefined,
  limitMs = stepLimitMs,
): Promise<ConnectionLook> {
  const look: ConnectionLook = {
    kind: probe.kind,
    target: probe.target,
    steps: [],
    evidence: [],
    failure: undefined,
    certificate: undefined,
  };
  try {
    for (const step of probe.steps) {
      const start = clock.elapsed();
      try {
        look.evidence.push(...((await withLimit(step, probe, limitMs, signal)) ?? []));
      } catch (error) {
        look.failure = { step: step.name, error: toErrorReport(error) };
      }
      look.steps.push({ step: step.name, milliseconds: clock.elapsed() - start });
      look.certificate = probe.certificate;
      if (look.failure) break;
    }
    return look;
  } finally {
    await probe.close();
  }
}

async function withLimit(
  step: ProbeStep,
  { target, kind }: ConnectionProbe,
  limitMs: number,
  signal: AbortSignal | undefined,
) {
  const end = new AbortController();
  const late = () => end.abort();
  const timer = setTimeout(late, limitMs);
  signal?.addEventListener('abort', late, { once: true });
  try {
    return await Promise.race([
      step.run(end.signal),
      new Promise<never>((_, reject) => {
        if (signal?.aborted) late();
        const give = () => reject(noAnswer(step.name, kind, target, limitMs));
        if (end.signal.aborted) give();
        end.signal.addEventListener('abort', give, { once: true });
      }),
    ]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', late);
  }
}

/** No answer means different things at different steps. */
const silentSteps: Record<StepName, [ErrorCode, string]> = {
  name: ['name_no_answer', 'Look at the DNS of the network: its server does not answer.'],
  tcp: [
    'tcp_no_answer',
    'Packets are dropped on the way: look at firewall rules, network security groups and the private endpoint. A closed port would have been refused at once.',
  ],
  tls: [
    'tls_no_answer',
    'The port takes connections and says nothing: look whether it is the right port, and for a proxy on the way.',
  ],
  login: ['login_no_answer', 'The server takes connections and does not answer a login: it may be overloaded or hang.'],
  database: ['database_no_answer', 'The login is done and the database does not answer: look at its load.'],
  permission: [
    'table_no_answer',
    'The table does not answer: look for a lock on it (a long transaction, a schema change).',
  ],
};

export function noAnswer(step: StepName, kind: string, target: string, limitMs: number): MaintenanceError {
  const [code, advice] = silentSteps[step];
  return new MaintenanceError(
    code,
    `${kind} at ${target} gave no answer at the step ${step} within ${limitMs / 1000} s.`,
    advice,
  );
}
