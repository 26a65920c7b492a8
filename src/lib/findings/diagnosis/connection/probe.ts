import type { Evidence } from '../../../checks/check.ts';
import type { Clock } from '../../../clock.ts';
import type { ErrorCode } from '../../../errorCodes.ts';
import { type ErrorReport, MaintenanceError, toErrorReport } from '../../../errors.ts';
import { inTime } from '../../../inTime.ts';
import type { CertificateFacts } from './line.ts';
import type { HostAway } from './lines.ts';

/** The steps of a connection, in their order: the one that fails tells a firewall from a wrong password. */
export type StepName = 'name' | 'tcp' | 'tls' | 'login' | 'database' | 'permission';

/** A failure that shows at one step and belongs to a later one: the steps in between go on. */
interface LaterFailure {
  step: StepName;
  error: unknown;
}

/** Each goes on from where the one before ended. `signal` ends it. */
export type ProbeSteps = {
  [name in StepName]?: (signal: AbortSignal) => Promise<Evidence[] | LaterFailure | undefined>;
};

/** The port to one server: its steps in their order, each on top of the one before. Reads only. */
export interface ConnectionProbe {
  /** `SQL Server`, `PostgreSQL`, … */
  readonly kind: string;
  /** The line to the host that the client takes; `away` has others that its connection string names. */
  readonly line: {
    readonly target: string;
    readonly certificate: CertificateFacts | undefined;
    readonly away?: readonly HostAway[];
    close(): void;
  };
  readonly steps: ProbeSteps;
  /** Closes what the steps opened beside the line. */
  close?(): Promise<void> | void;
}

export interface ConnectionLook {
  kind: string;
  target: string;
  /** Those that succeeded, and the one that did not. */
  steps: { step: StepName; milliseconds: number }[];
  evidence: Evidence[];
  failure: { step: StepName; error: ErrorReport } | undefined;
  certificate: CertificateFacts | undefined;
  /** Those of several hosts that cannot be reached. */
  away: readonly HostAway[];
}

/** A step that hangs is ended after this: longer than any server takes that is well. */
const stepLimitMs = 6_000;

/** Takes the steps until one fails, and times each. Closes the probe. */
export async function lookAtConnection(
  { kind, line, steps, close }: ConnectionProbe,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<ConnectionLook> {
  const { target, away = [] } = line;
  const look: ConnectionLook = {
    kind,
    target,
    steps: [],
    evidence: [],
    failure: undefined,
    certificate: undefined,
    away,
  };
  let later: LaterFailure | undefined;
  try {
    for (const [name, run] of Object.entries(steps) as [StepName, NonNullable<ProbeSteps[StepName]>][]) {
      const start = clock.elapsed();
      try {
        if (later?.step === name) throw later.error;
        const found = await inTime(stepLimitMs, signal, run, () => {
          throw noAnswer(name, kind, line.target, stepLimitMs);
        });
        if (found && 'step' in found) later = found;
        else look.evidence.push(...(found ?? []));
      } catch (error) {
        look.failure = { step: name, error: toErrorReport(error) };
      }
      look.steps.push({ step: name, milliseconds: clock.elapsed() - start });
      look.target = line.target;
      look.certificate = line.certificate;
      if (look.failure) break;
    }
    return look;
  } finally {
    line.close();
    await close?.();
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

/** For a look that needs the connection: where it failed, the check of the connection has the cause. */
export function notReached(step: StepName): MaintenanceError {
  return new MaintenanceError(
    'connection_failed',
    `It was not reached: the connection failed at the step ${step}.`,
    'See the check of the connection, fix that, and run the diagnosis again.',
  );
}
