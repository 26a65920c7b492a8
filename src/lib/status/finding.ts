import type { Finding as Told } from '../findings/finding.ts';

/** A finding of the page. */
export type Finding = Omit<Told, 'check'>;
