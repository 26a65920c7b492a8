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
  ['nocount', /\bSET NOCOUNT (ON|OFF);/i],
  ['xactAbort', /\bSET XACT_ABORT (ON|OFF);/i],
  ['deadlockPriority', /\bSET DEADLOCK_PRIORITY (LOW|NORMAL|HIGH);/i],
  ['lockTimeout', /\bSET LOCK_TIMEOUT (-?\d+);/i],
  ['isolation', /\bSET TRANSACTION ISOLATION LEVEL ([A-Z ]+);/i],
];

/** The options that a text sets. */
export function optionsOf(text: string): Partial<SetOptions> {
  return Object.fromEntries(
    words.flatMap(([name, pattern]) => {
      const value = pattern.exec(text)?.[1];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What the driver sends after the login: SET lines and nothing else. */
export function isInitialBatch(text: string): boolean {
  return text.split('\n').every((line) => /^set [a-z_]+( [a-z_]+)* [\w]+$/i.test(line));
}
