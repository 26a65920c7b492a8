import uPlot from 'uplot';
import type { Plot, PlotSeries } from '../status/plot.ts';
import { axisValues, exactText, valueText } from './values.ts';

const height = 180;
/** A line over fewer readings than this shows each of them as a point. */
const fewReadings = 30;

const drawn = new Map<Element, uPlot>();
let watching = false;

/** Draws each plot of the page's data into its frame, anew where it was drawn before. */
export function drawPlots(): void {
  for (const plot of drawn.values()) plot.destroy();
  drawn.clear();
  const data = document.querySelector('#plots')?.textContent;
  for (const plot of JSON.parse(data ?? '[]') as Plot[]) {
    const frame = document.querySelector<HTMLElement>(`[data-plot="${CSS.escape(plot.id)}"]`);
    if (frame) drawn.set(frame, draw(plot, frame));
  }
  if (watching) return;
  watching = true;
  addEventListener('resize', () => {
    for (const [frame, plot] of drawn) plot.setSize({ width: frame.clientWidth, height });
  });
  // Canvas knows no style sheets: another colour scheme needs other lines.
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawPlots);
}

function draw(plot: Plot, frame: HTMLElement): uPlot {
  const style = getComputedStyle(frame);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour('quiet'),
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { stroke: colour('grid'), width: 1, size: 4 },
    font: '12px system-ui, sans-serif',
  };
  const options: uPlot.Options = {
    width: frame.clientWidth,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    cursor: { y: false, drag: { x: false, y: false } },
    hooks: { ready: [readNewest], setCursor: [(self) => self.cursor.idx == null && readNewest(self)] },
    scales: {
      x: { time: true, range: (_self, first, last) => [first - margin(plot), last + margin(plot)] },
      y: { range: (_self, _least, greatest) => [0, greatest > 0 ? greatest * 1.1 : 1] },
    },
    axes: [
      { ...axis, space: 70, size: 32, values: timeAxis },
      {
        ...axis,
        size: 64,
        space: 36,
        splits: (_self, _index, _least, most) => axisValues(plot.unit, most),
        values: (_self, splits) => splits.map((value) => valueText(plot.unit, value)),
      },
    ],
    series: [
      { label: 'Time', value: (_self, seconds) => (seconds == null ? '–' : timeText(seconds)) },
      ...plot.series.map((series) => seriesOptions(plot, series, colour(series.tone), colour(`${series.tone}-fill`))),
    ],
  };
  return new uPlot(options, [plot.times, ...plot.series.map(({ values }) => values)], frame);
}

/** Room for the outermost bars, which stand around their time. */
function margin({ kind, times }: Plot): number {
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0];
  return kind === 'bars' ? (last - first) / (times.length - 1) / 2 : 0;
}

/** Away from the plot the legend has the newest values. */
function readNewest(plot: uPlot): void {
  plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

function seriesOptions(plot: Plot, { label, tone }: PlotSeries, stroke: string, fill: string): uPlot.Series {
  const bars = plot.kind === 'bars' ? uPlot.paths.bars?.({ size: [0.7, 24, 2] }) : undefined;
  return {
    label,
    stroke,
    width: bars ? 0 : 2,
    ...(bars
      ? { paths: bars, fill: stroke, points: { show: false } }
      : { points: { show: plot.times.length < fewReadings } }),
    ...(tone === 'limit' ? { dash: [6, 4], points: { show: false } } : bars ? {} : { fill }),
    value: (_self: uPlot, value: number | null) => (value == null ? '–' : exactText(plot.unit, value)),
  };
}

const dayMs = 86_400_000;

/** `14:30`, with seconds where they are needed to tell the times apart, and the date where a day begins. */
function timeAxis(_self: uPlot, splits: number[]): string[] {
  const close = (splits[1] ?? 0) - (splits[0] ?? 0) < 60;
  return splits.map((seconds) => {
    const text = new Date(seconds * 1000).toISOString();
    return (seconds * 1000) % dayMs === 0 ? text.slice(5, 10) : text.slice(11, close ? 19 : 16);
  });
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
}
