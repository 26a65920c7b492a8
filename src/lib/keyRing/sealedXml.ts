import { Secret } from '../secret.ts';

/** XML that may hold key material: for stores, protectors and the parser alone. */
export class SealedXml extends Secret {}
