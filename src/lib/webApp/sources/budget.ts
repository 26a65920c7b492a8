import { bytesText } from '../../wording.ts';

/** How many bytes may yet be read of an app, and what was left out. */
export class Budget {
  readonly leftOut: string[] = [];
  readonly #limit: number;
  #used = 0;
  #exceeded = false;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  /** Whether so many bytes more may be read; what is refused is remembered once. */
  take(bytes: number): boolean {
    if (this.#used + bytes <= this.#limit) {
      this.#used += bytes;
      return true;
    }
    if (!this.#exceeded) this.leftOut.push(`what goes beyond ${bytesText(this.#limit)} of source`);
    this.#exceeded = true;
    return false;
  }
}
