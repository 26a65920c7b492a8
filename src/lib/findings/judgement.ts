import type { Level } from '../level.ts';
import type { CheckName } from '../runbook.ts';
import type { Finding } from './finding.ts';

/** What a judge says of a subject; where it is shown, its place in the runbook stands beside it. */
export interface JudgedFinding extends Finding {
  check: CheckName;
}

/** The same without its subject, which the judge names once for all that it says. */
export type Judgement = Omit<JudgedFinding, 'subject'>;

/** One judgement, as a list: a judge puts those of its parts together. @param since null where that is not known */
const judgement =
  (level: Level) =>
  (check: CheckName, what: string, advice: string, since: string | null = null): Judgement[] => [
    { check, level, what, advice, since },
  ];
export const note = judgement('info');
export const warning = judgement('warning');
export const critical = judgement('critical');

export const about = <J extends Omit<Finding, 'subject'>>(subject: string, judgements: readonly J[]) =>
  judgements.map((each) => ({ ...each, subject }));
