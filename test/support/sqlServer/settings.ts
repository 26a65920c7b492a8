/** The SET options that the adapter uses, and how long they last. */
export interface SetOptions {
  nocount: string;
  xactAbort: string;
  deadlockPriority: string;
  /** ms; -1 waits without end. */
  lockTimeout: string;
  isolation: string;
}

/** What a new session has. */
export const defaultOptions: SetOptions = {
  nocount: 'OFF',
  xactAbort: 'OFF',
  deadlockPriority: 'NORMAL',
  lockTimeout: '-1',
  isolation: 'READ COMMITTED',
};

const words: [keyof SetOptions, RegExp][] = [
  ['nocount', /\bSET NOCOUNT (ON|OFF);/gi],
  ['xactAbort', /\bSET XACT_ABORT (ON|OFF);/gi],
  ['deadlockPriority', /\bSET DEADLOCK_PRIORITY (LOW|NORMAL|HIGH);/gi],
  ['lockTimeout', /\bSET LOCK_TIMEOUT (-?\d+);/gi],
  ['isolation', /\bSET TRANSACTION ISOLATION LEVEL ([A-Z ]+);/gi],
];

/** The options that a text sets at its beginning, and those that it leaves at its end. */
export function optionsOf(text: string): { during: Partial<SetOptions>; after: Partial<SetOptions> } {
  const values = words.map(([name, pattern]) => [name, [...text.matchAll(pattern)].map(([, value]) => value)] as const);
  const pick = (at: number) =>
    Object.fromEntries(values.flatMap(([name, found]) => (found.length > 0 ? [[name, found.at(at)]] : [])));
  return { during: pick(0), after: pick(-1) };
}

/** What the driver sends after the login: SET lines and nothing else. */
export function isInitialBatch(text: string): boolean {
  return text.split('\n').every((line) => /^set [a-z_]+( [a-z_]+)* [\w]+$/i.test(line));
}
