import { flag } from './fields.ts';

/** Clearing a cache over HTTP; docs/settings.md explains it. */
export const clearShape = {
  ALLOW_CLEAR: flag.prefault('false'),
};
