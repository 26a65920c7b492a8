import {
  type Check,
  checksOf,
  critical,
  type Evidence,
  type Outcome,
  pass,
  unknown,
  warning,
} from '../../../checks/check.ts';
import type { Clock } from '../../../clock.ts';
import { countOf } from '../../../wording.ts';
import { type ConnectionLook, notReached } from './probe.ts';

/** Whatever is reached over a network: a cache, the store of a ring, its protector. */
export interface ConnectedSubject {
  /** One look for all checks. */
  contact(): Promise<ConnectionLook>;
  /** What is wrong with the connection string, without connecting. */
  advice: readonly ConnectionAdvice[];
}

export interface ConnectionAdvice {
  cause: string;
  grave: boolean;
  what: string;
  advice: string;
}

const day = 86_400_000;

/** The checks of one connection; `id` is their beginning: `connection`, `ring-store`, `ring-protector`. */
export function connectionChecks<S>(id: string, of: (subject: S) => ConnectedSubject | undefined): Check<S>[] {
  const applies = (subject: S) => of(subject) !== undefined;
  const contactOf = (subject: S) => of(subject)?.contact() ?? Promise.reject(new Error('there is no connection'));
  const reached = {
    [id]: async (subject: S) => judgeConnection(await contactOf(subject)),
    [`${id}-certificate`]: async (subject: S, clock: Clock) => judgeCertificate(await contactOf(subject), clock.now()),
  };
  const said = { [`${id}-string`]: async (subject: S) => judgeAdvice(of(subject)?.advice ?? []) };
  return [...checksOf('connection', 25_000, reached, applies), ...checksOf('connection', 1_000, said, applies)];
}

function stepsOf({ steps }: ConnectionLook): Evidence[] {
  return steps.map(({ step, milliseconds }) => ({ what: step, value: Math.round(milliseconds * 10) / 10, unit: 'ms' }));
}

function judgeConnection(look: ConnectionLook): Outcome {
  const { kind, target, failure, evidence, away } = look;
  const figures = [
    ...stepsOf(look),
    ...evidence,
    ...away.map(({ target: host, error }) => ({ what: host, value: error.code })),
  ];
  if (!failure && away.length > 0)
    return warning({
      cause: 'host_away',
      what: `${kind} at ${target} answers at every step; of the other hosts of the connection string: ${away.map(({ error }) => error.message).join(' ')}`,
      evidence: figures,
      advice: [...new Set(away.map(({ error }) => error.advice))].join(' '),
    });
  if (!failure) return pass(`${kind} at ${target} answers at every step.`, figures);
  return critical({
    cause: failure.error.code,
    what: `The step ${failure.step} failed: ${failure.error.message}`,
    evidence: figures,
    advice: failure.error.advice,
  });
}

function judgeCertificate({ certificate, failure, target }: ConnectionLook, now: Date): Outcome {
  if (!certificate) {
    if (failure && ['name', 'tcp', 'tls'].includes(failure.step)) throw notReached(failure.step);
    return pass('The connection does not use TLS.');
  }
  const daysLeft = Math.floor((certificate.validTo.getTime() - now.getTime()) / day);
  const evidence: Evidence[] = [
    { what: 'days left', value: daysLeft, unit: 'd' },
    { what: 'certificates in the chain', value: certificate.chainLength },
    { what: 'TLS version', value: certificate.tlsVersion },
    { what: 'name', value: certificate.name },
    { what: 'issuer', value: certificate.issuer },
  ];
  // What the connection failed for is said by the check of the connection.
  if (failure?.step === 'tls')
    return unknown(
      'connection_failed',
      'The handshake failed over this certificate.',
      'See the check of the connection.',
      evidence,
    );
  if (daysLeft < 0)
    return warning({
      cause: 'certificate_expired',
      what: `The certificate of ${target} has expired; this connection does not check it.`,
      evidence,
      advice: 'Renew it, and let the clients check it.',
    });
  if (daysLeft < 30)
    return warning({
      cause: 'certificate_ends_soon',
      what: `The certificate of ${target} ends in ${countOf(daysLeft, 'day')}.`,
      evidence,
      advice: 'Renew it before that, or every app loses the cache at once.',
    });
  return pass(`The certificate of ${target} is valid for ${countOf(daysLeft, 'more day', 'more days')}.`, evidence);
}

function judgeAdvice(advice: readonly ConnectionAdvice[]): Outcome {
  const [first] = advice;
  if (!first) return pass('The connection string is as it should be.');
  const trouble = {
    cause: first.cause,
    what: advice.map(({ what }) => what).join(' '),
    evidence: [{ what: 'points', value: advice.length }],
    advice: advice.map(({ advice }) => advice).join(' '),
  };
  return advice.some(({ grave }) => grave) ? critical(trouble) : warning(trouble);
}
