import { type Check, critical, pass, warning } from '../../../checks/check.ts';
import { humanDuration } from '../../../durations.ts';

/** A server whose clock can be read. */
export interface ClockedSubject {
  clocks(): Promise<{ server: Date; own: Date; roundTripMs: number } | undefined>;
}

/** ms. Data Protection allows for 5 minutes, and so do the checks of tokens. */
const skew = { warning: 30_000, failing: 300_000 };

export const clockCheck: Check<ClockedSubject> = {
  id: 'clock-skew',
  symptom: 'prompts',
  timeLimitMs: 20_000,
  run: async (subject) => {
    const reading = await subject.clocks();
    if (!reading) return pass('The server does not tell its time.');
    const { server, own, roundTripMs } = reading;
    const ahead = own.getTime() - roundTripMs / 2 - server.getTime();
    const evidence = [
      { what: "this machine's clock is ahead by", value: Math.round(ahead), unit: 'ms' },
      { what: 'round trip', value: Math.round(roundTripMs * 10) / 10, unit: 'ms' },
    ];
    if (Math.abs(ahead) < skew.warning) return pass('The clocks agree.', evidence);
    const trouble = {
      cause: 'clock_skew',
      what: `This machine's clock and the server's differ by ${humanDuration(Math.abs(ahead))}: entries end too early or too late, and so do tokens.`,
      evidence,
      advice:
        'Set the clock that is wrong (NTP), on the servers of the apps as well: they stamp the expiry of the entries.',
    };
    return Math.abs(ahead) >= skew.failing ? critical(trouble) : warning(trouble);
  },
};
