import { appFigures } from '../../appTelemetry/appFigures.ts';
import type { AppReport } from '../../appTelemetry/appReport.ts';
import type { WebAppRecords } from '../../findings/subjectRecords.ts';
import { numberText } from '../../sql/summaries.ts';
import { percentText } from '../../wording.ts';
import { type Plot, rangeOf } from './plot.ts';

export type AppView = ReturnType<typeof appView>;

/** The web app of a cache as the page shows it: by what it tells of itself. */
export function appView({ name, app }: WebAppRecords) {
  const looks = [...app.shown].reverse().flatMap(({ startedAt, report }) => (report ? [{ startedAt, report }] : []));
  const newest = looks.at(-1);
  return {
    name,
    at: newest?.startedAt ?? null,
    figures: newest ? appFigures(newest.report) : [],
    plots: newest?.report.calls ? [hitRatioPlot(name, looks), signInPlot(name, newest.report)] : [],
  };
}

function hitRatioPlot(cache: string, looks: readonly { startedAt: string; report: AppReport }[]): Plot {
  const of = (level: 'l1' | 'all') =>
    looks.map(({ report }) => (report.hitRatio ? Math.round(report.hitRatio[level] * 1000) / 10 : null));
  const all = of('all');
  const range = rangeOf(all);
  return {
    id: `${cache}-app-hits`,
    title: 'Tokens found in a cache, per cent',
    kind: 'lines',
    unit: 'count',
    times: looks.map(({ startedAt }) => Date.parse(startedAt) / 1000),
    series: [
      { label: 'In memory or the distributed cache', tone: 'first', values: all },
      { label: 'In memory', tone: 'second', values: of('l1') },
    ],
    summary: range
      ? `Between ${percentText(range.least)} and ${percentText(range.greatest)}.`
      : 'Too few look-ups to tell.',
  };
}

function signInPlot(cache: string, { series }: AppReport): Plot {
  const counts = series.map(({ signIns, misses }) => signIns + misses);
  return {
    id: `${cache}-app-sign-ins`,
    title: 'Sign-ins, misses and lost entries, in 5 minutes each',
    kind: 'bars',
    unit: 'count',
    times: series.map(({ at }) => Date.parse(at) / 1000),
    series: [{ label: 'Sign-ins, misses, lost', tone: 'second', values: counts }],
    summary: `${numberText(counts.reduce((sum, count) => sum + count, 0))} in the last 6 hours.`,
  };
}
