/** Figures in words, for findings, log lines and the terminal. */

/** `4.1 kB`, `552 MB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** `7 %`, `0.3 %`, of a value that is a percentage already. */
export function percentText(percent: number): string {
  const digits = percent > 0 && percent < 10 ? 1 : 0;
  return `${percent.toFixed(digits).replace(/\.0$/, '')} %`;
}

/** `1 entry`, `1,200 entries`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${Math.round(count).toLocaleString('en-US')} ${Math.round(count) === 1 ? one : many}`;
}
