import type { Place } from './csharp/syntax.ts';
import type { Value } from './csharp/value.ts';

/** What is read of a web app: facts with their places, and no judgement. */

/** A condition that is known at run time alone, and on which side of it a line stands. */
export interface Guard {
  id: string;
  branch: number;
  /** How many sides it has, those without a line that matters included. */
  of: number;
  place: Place;
}

export interface Fact {
  place: Place;
  guards: readonly Guard[];
}

/** A call that configures the app: `AddDistributedTokenCaches()`. */
export interface Call extends Fact {
  name: string;
  /** `T` of `Configure<T>`. */
  of: string;
  args: { name: string | undefined; value: Value }[];
  /** Calls of one entry point are in the order in which they run. */
  entryPoint: number;
}

/** A property of options that the app sets; the last one counts. */
export interface OptionSet extends Fact {
  /** The type of the options. */
  options: string;
  /** `l1cacheoptions.sizelimit`: in lower case, as configuration names it in any case. */
  path: string;
  value: Value;
}

/** What the app calls, and what is not in the source: it may register or set anything. */
export interface Unresolved extends Fact {
  name: string;
  /** The options that it is given; undefined where it is given the services. */
  options: string | undefined;
}

/** Scopes that the app names. */
export interface ScopeUse {
  kind: 'configured' | 'requested' | 'authorized';
  scopes: Value;
  place: Place;
}

export interface Package {
  name: string;
  /** Undefined where it cannot be known: a range, a property that is not in the source. */
  version: string | undefined;
  place: Place;
}

/** Code that the parser does not know. */
export interface Unparsed {
  place: Place;
  text: string;
}

/** One app of a folder. */
export interface WebApp {
  name: string;
  calls: readonly Call[];
  options: readonly OptionSet[];
  unresolved: readonly Unresolved[];
  scopes: readonly ScopeUse[];
  packages: readonly Package[];
  frameworks: readonly { name: string; place: Place }[];
  unparsed: readonly Unparsed[];
  leftOut: readonly string[];
}
