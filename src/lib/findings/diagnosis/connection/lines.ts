import type { Evidence } from '../../../checks/check.ts';
import { type ErrorReport, toErrorReport } from '../../../errors.ts';
import { inTime } from '../../../inTime.ts';
import type { Line } from './line.ts';
import { noAnswer, type ProbeSteps, type StepName } from './probe.ts';

/** Below the limit of a step: a host that is silent must not end the look at the others. */
const eachLimitMs = 5_000;

/** A host to which the line failed. */
export interface HostAway {
  target: string;
  error: ErrorReport;
}

interface Candidate {
  line: Line;
  steps: ProbeSteps;
}

/**
 * The lines to several hosts, of which the client takes one that will do. Each step is taken side by side on all to which the
 * steps before succeeded; it fails where it fails on all of them.
 */
export class Lines {
  readonly #kind: string;
  readonly #first: Line;
  readonly #all: readonly Candidate[];
  #left: readonly Candidate[];
  readonly away: HostAway[] = [];

  constructor(kind: string, first: Candidate, others: readonly Candidate[]) {
    this.#kind = kind;
    this.#first = first.line;
    this.#all = [first, ...others];
    this.#left = this.#all;
  }

  get #line(): Line {
    return this.#left[0]?.line ?? this.#first;
  }

  get target() {
    return this.#line.target;
  }

  get certificate() {
    return this.#line.certificate;
  }

  steps(): ProbeSteps {
    const names = (['name', 'tcp', 'tls'] as const).filter((name) => this.#all.some(({ steps }) => steps[name]));
    return Object.fromEntries(names.map((name) => [name, (signal: AbortSignal) => this.#take(name, signal)]));
  }

  close(): void {
    for (const { line } of this.#all) line.close();
  }

  async #take(name: StepName, signal: AbortSignal): Promise<Evidence[]> {
    const failures: unknown[] = [];
    const found = await Promise.all(
      this.#left.map(async (candidate) => {
        const { line, steps } = candidate;
        try {
          const take = steps[name] ?? (async () => undefined);
          const evidence = await inTime(eachLimitMs, signal, take, () => {
            throw noAnswer(name, this.#kind, line.target, eachLimitMs);
          });
          return [{ candidate, evidence: Array.isArray(evidence) ? evidence : [] }];
        } catch (error) {
          failures.push(error);
          this.away.push({ target: line.target, error: toErrorReport(error) });
          return [];
        }
      }),
    );
    const reached = found.flat();
    this.#left = reached.map(({ candidate }) => candidate);
    if (reached.length === 0) throw failures[0];
    return reached[0]?.evidence ?? [];
  }
}
