import type { Requester } from '../runs/recordStore.ts';

/** What started a run: a trigger's name, or with it who asked. */
export type Started = string | { trigger: string; requestedBy: Requester };

/** The same as the two fields of a job. */
export function startOf(started: Started): { trigger: string; requestedBy?: Requester } {
  return typeof started === 'string' ? { trigger: started } : started;
}
