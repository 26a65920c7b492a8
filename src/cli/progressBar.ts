import cliProgress from 'cli-progress';
import { humanDuration } from '../lib/durations.ts';
import { numberText } from '../lib/sql/summaries.ts';

/** Columns of a bar. */
const [narrowest, widest] = [5, 40];

/**
 * A line on stderr that shows how far work on entries is: whole figures as the terminal is wide, those that tell most first, and a
 * bar where there is room for one.
 */
export function progressLine(what: string, terminal: NodeJS.WritableStream & { columns?: number } = process.stderr) {
  const start = performance.now();
  // So that the bar does not come and go with the digits.
  let longest = 0;
  const line = new cliProgress.SingleBar(
    {
      format: (options, { progress }, { figures, hasEnd }: { figures: readonly string[]; hasEnd: boolean }) => {
        // A line that fills the last column wraps on some terminals.
        const columns = (terminal.columns || 80) - 1;
        let fitting = [...figures];
        while (fitting.length > 1 && lengthOf(what, fitting) > columns) fitting = fitting.slice(0, -1);
        longest = Math.max(longest, lengthOf(what, fitting));
        const room = Math.min(widest, columns - longest - 1);
        const bar =
          hasEnd && room >= narrowest
            ? `${cliProgress.Format.BarFormat(progress, { ...options, barsize: room })} `
            : '';
        return textOf(`${what} ${bar}`, fitting);
      },
      hideCursor: true,
      clearOnComplete: false,
      stream: terminal,
    },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  return {
    /** @param all undefined where the end is not known */
    update(done: number, all?: number, elapsedMs = performance.now() - start): void {
      const total = all === undefined ? 0 : Math.max(all, done);
      const rate = done / Math.max(1, elapsedMs);
      const pace = `${numberText(Math.round(rate * 1000))} entries/s`;
      const left = done > 0 ? [`${humanDuration((total - done) / rate)} left`] : [];
      const figures = all
        ? [`${Math.floor((100 * done) / total)} %`, ...left, `${numberText(done)} of ${numberText(total)}`, pace]
        : [`${numberText(done)} entries`, pace];
      const payload = { figures, hasEnd: Boolean(all) };
      if (!started) line.start(total, done, payload);
      started = true;
      line.setTotal(total);
      line.update(done, payload);
    },
    stop(): void {
      if (started) line.stop();
    },
  };
}

const textOf = (before: string, figures: readonly string[]) => `${before}${figures.join(' | ')}`;
const lengthOf = (what: string, figures: readonly string[]) => textOf(`${what} `, figures).length;
