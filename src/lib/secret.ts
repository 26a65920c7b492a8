import { inspect } from 'node:util';

/** A text that no log, report, error or serialiser shows: whoever needs it asks for it by name. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text, for the client that logs in with it alone. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}

const secretNames =
  'pass(?:w\\w*|phrase|code)?|pwd|\\bpw|kennwort|account ?key|access ?key|api ?key|signature|sig|secret|token';
/** A keyword or field that holds a secret, with what follows it: up to its closing quote, or the next blank. */
const named = new RegExp(`((?:${secretNames})["']?\\s*[=:]\\s*)(?!…)("[^"]*"?|'[^']*'?|[^\\s"'\`]+)`, 'gi');
/** A login within an address, whose password may hold an `@`; one without a password may be a token. */
const inAddress = /(:\/\/)(?:([^\s:@/]*:)\S+|[^\s:@/?#]+)(?=@)/g;

/**
 * A text of others, without what stands in it as a secret does. A connection string whose parts ran into one another has its
 * password in the name of a database or user, and servers repeat these.
 */
export function withoutSecrets(text: string): string {
  return text.replace(named, '$1***').replace(inAddress, '$1$2***');
}
