/** A plot over time, and what it says for those who cannot see it. Plain data: it goes to the page as JSON. */
export interface Plot {
  /** Unique on the page. */
  id: string;
  title: string;
  kind: 'lines' | 'bars';
  unit: 'count' | 'bytes' | 'seconds';
  /** Unix time in seconds, ascending. */
  times: number[];
  series: PlotSeries[];
  /** The plot in one or two sentences. */
  summary: string;
}

export interface PlotSeries {
  label: string;
  tone: Tone;
  /** One for each time; null where nothing was read. */
  values: (number | null)[];
}

/** Names a colour of the page. */
export type Tone = 'first' | 'second' | 'third' | 'fourth' | 'limit';

/** The least and the greatest value; undefined where there is none. */
export function rangeOf(values: readonly (number | null)[]): { least: number; greatest: number } | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : { least: Math.min(...known), greatest: Math.max(...known) };
}
