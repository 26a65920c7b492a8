import { humanDuration, parseDuration } from '../../durations.ts';
import type { SqlCacheRecords } from '../../findings/subjectRecords.ts';
import type { JobHistory } from '../../runs/history.ts';
import { joinParts } from '../../runs/sumOfParts.ts';
import type { CountsReport } from '../../sql/counts.ts';
import type { PurgeReport } from '../../sql/purgeReport.ts';
import { countText, numberText } from '../../sql/summaries.ts';
import { bytesText } from '../../wording.ts';
import { type Plot, type PlotSeries, rangeOf } from './plot.ts';
import { runningText } from './runningText.ts';
import { durationText, fromNow } from './wording.ts';

/** A figure of the present, with what it means or when it was read. */
interface Figure {
  label: string;
  value: string;
  note: string;
}

/** Rows of the table beside the plots; further readings are thinned out evenly. */
const tableRows = 48;

export type CacheView = ReturnType<typeof cacheView>;

/** A SQL cache as the page shows it. */
export function cacheView(records: SqlCacheRecords, now: Date) {
  const { name, running } = records;
  // By the database's clock, which may order them otherwise than the runs.
  const readings = records.counts.shown
    .flatMap(({ report }) => report ?? [])
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const purges = realPurges(records.purge, now);
  return {
    name,
    // Null where no run tells it.
    engine: readings.at(-1)?.engine ?? purges.at(-1)?.report.engine ?? null,
    running: runningText(running),
    figures: [...countFigures(readings.at(-1), now), purgeFigure(records.purge, now)],
    plots: [...countPlots(name, readings), deletionPlot(name, purges)],
    // What the plots say, in figures, the newest first.
    readings: thinned(readings, tableRows).reverse(),
  };
}

interface RealPurge {
  at: number;
  report: PurgeReport;
}

/** Purges that deleted, or could have, the oldest first; the parts of one as one. */
function realPurges({ shown }: JobHistory<'purge'>, now: Date): RealPurge[] {
  return joinParts(shown, now)
    .flatMap(({ startedAt, outcome, report }) =>
      report && !report.dryRun && outcome !== 'skipped' ? [{ at: Date.parse(startedAt) / 1000, report }] : [],
    )
    .sort((a, b) => a.at - b.at);
}

/** The last one that did its work: a dry run, or one that found another at it, does not hide what that deleted. */
function purgeFigure({ shown, lastSuccess }: JobHistory<'purge'>, now: Date): Figure {
  const last = joinParts(shown, now).find(
    ({ runId, first }) => lastSuccess && runId === (lastSuccess.first ?? lastSuccess.runId) && !first,
  );
  const label = 'Last purge';
  if (!lastSuccess) return { label, value: 'none', note: 'no purge has succeeded yet' };
  const report = last?.report ?? lastSuccess.report;
  const more = last?.incomplete ? ' at least' : '';
  const value = report?.dryRun === false ? `${numberText(report.deleted)} deleted${more}` : 'unknown';
  return { label, value, note: fromNow(lastSuccess.startedAt, now) };
}

function countFigures(latest: CountsReport | undefined, now: Date): Figure[] {
  if (!latest) return [{ label: 'Entries', value: 'unknown', note: 'no counts are recorded yet' }];
  const read = `counted ${fromNow(latest.at, now)}`;
  const bytes = (latest.dataBytes ?? 0) + (latest.indexBytes ?? 0);
  return [
    { label: 'Active entries', value: countText(latest.active), note: read },
    { label: 'Expired entries', value: countText(latest.expired), note: read },
    {
      label: 'Table size',
      value: latest.dataBytes === null ? 'unknown' : bytesText(bytes),
      note: latest.indexBytes === null ? 'data' : `of it ${bytesText(latest.indexBytes)} indexes`,
    },
    oldestFigure(latest),
  ];
}

export function oldestFigure({ oldestExpiredAge, expired }: CountsReport): Figure {
  const label = 'Oldest expired';
  if (oldestExpiredAge !== null)
    return { label, value: durationText(oldestExpiredAge), note: 'how far behind the purge is' };
  if (expired.count > 0) return { label, value: 'unknown', note: 'finding it took too long' };
  return { label, value: 'none', note: 'nothing to delete was seen' };
}

function countPlots(cache: string, readings: readonly CountsReport[]): Plot[] {
  const times = readings.map(({ at }) => Date.parse(at) / 1000);
  const ages = readings.map(({ oldestExpiredAge, expired }) => {
    if (oldestExpiredAge === null) return expired.count > 0 ? null : 0;
    return (parseDuration(oldestExpiredAge) ?? 0) / 1000;
  });
  const plot = (
    { id, title, unit }: Pick<Plot, 'id' | 'title' | 'unit'>,
    series: PlotSeries[],
    text: (value: number) => string,
  ): Plot => ({
    id: `${cache}-${id}`,
    title,
    kind: 'lines',
    unit,
    times,
    series,
    summary: series
      .map(({ label, values }) => {
        const range = rangeOf(values);
        return range ? `${label} between ${text(range.least)} and ${text(range.greatest)}.` : '';
      })
      .join(' '),
  });
  return [
    plot(
      { id: 'entries', title: 'Entries', unit: 'count' },
      [
        { label: 'Active', tone: 'first', values: readings.map((reading) => reading.active.count) },
        { label: 'Expired', tone: 'second', values: readings.map((reading) => reading.expired.count) },
      ],
      numberText,
    ),
    plot(
      { id: 'size', title: 'Table size', unit: 'bytes' },
      [
        { label: 'Data', tone: 'first', values: readings.map(({ dataBytes }) => dataBytes) },
        { label: 'Indexes', tone: 'third', values: readings.map(({ indexBytes }) => indexBytes) },
      ],
      bytesText,
    ),
    plot(
      { id: 'age', title: 'Oldest expired entry, its age', unit: 'seconds' },
      [{ label: 'Age', tone: 'second', values: ages }],
      (seconds) => humanDuration(seconds * 1000),
    ),
  ];
}

function deletionPlot(cache: string, purges: readonly RealPurge[]): Plot {
  const runs = purges.map(({ at, report }) => ({ at, deleted: report.deleted }));
  const total = runs.reduce((sum, { deleted }) => sum + deleted, 0);
  const most = Math.max(0, ...runs.map(({ deleted }) => deleted));
  return {
    id: `${cache}-deletions`,
    title: 'Deleted by each purge',
    kind: 'bars',
    unit: 'count',
    times: runs.map(({ at }) => at),
    series: [{ label: 'Deleted', tone: 'fourth', values: runs.map(({ deleted }) => deleted) }],
    summary: `${numberText(total)} deleted by ${numberText(runs.length)} ${runs.length === 1 ? 'purge' : 'purges'}, at most ${numberText(most)} by one.`,
  };
}

/** At most `count` of the values, evenly, the last one among them. */
function thinned<T>(values: readonly T[], count: number): T[] {
  const step = Math.ceil(values.length / count);
  return values.filter((_, index) => (values.length - 1 - index) % step === 0);
}
