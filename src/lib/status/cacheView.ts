import { humanDuration, parseDuration } from '../durations.ts';
import type { RunRecord } from '../runs/recordStore.ts';
import type { RunningRun } from '../runs/runningState.ts';
import { countText, numberText } from '../sqlCache/summaries.ts';
import { bytesText } from '../wording.ts';
import { type Plot, rangeOf } from './plot.ts';
import { type Counts, readCounts, readPurge } from './reports.ts';
import { durationText, fromNow, timeText } from './wording.ts';

/** What is known of a SQL cache: its runs, the newest first. */
export interface CacheRuns {
  name: string;
  engine: string | null;
  running: RunningRun | null;
  purge: readonly RunRecord[];
  index: readonly RunRecord[];
  counts: readonly RunRecord[];
}

/** A SQL cache as the page shows it. */
export interface CacheView {
  name: string;
  engine: string | null;
  running: string | null;
  figures: Figure[];
  plots: Plot[];
  /** The plotted readings of the counts, the newest first: what the plots say, in figures. */
  readings: Reading[];
}

/** A figure of the present, with what it means or when it was read. */
export interface Figure {
  label: string;
  value: string;
  note: string;
}

export interface Reading {
  at: string;
  active: string;
  expired: string;
  data: string;
  index: string;
  oldestExpired: string;
}

/** Rows of the table beside the plots; further readings are thinned out evenly. */
const tableRows = 48;

export function cacheView(runs: CacheRuns, now: Date): CacheView {
  const readings = [...runs.counts].reverse().flatMap((record) => readCounts(record) ?? []);
  return {
    name: runs.name,
    engine: runs.engine,
    running:
      runs.running &&
      `A purge is under way since ${timeText(runs.running.startedAt)}: ${numberText(runs.running.deleted)} deleted so far.`,
    figures: figures(readings.at(-1), runs, now),
    plots: [...countPlots(runs.name, readings), ...deletionPlot(runs.name, runs.purge)],
    readings: thinned(readings, tableRows).reverse().map(readingOf),
  };
}

function figures(latest: Counts | undefined, { purge }: CacheRuns, now: Date): Figure[] {
  const last = purge.find((record) => readPurge(record));
  const report = readPurge(last);
  const purged: Figure[] =
    last && report
      ? [{ label: 'Last purge', value: `${numberText(report.deleted)} deleted`, note: fromNow(last.startedAt, now) }]
      : [{ label: 'Last purge', value: 'none', note: 'no purge is recorded yet' }];
  if (!latest) return [{ label: 'Entries', value: 'unknown', note: 'no counts are recorded yet' }, ...purged];
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
    {
      label: 'Oldest expired',
      value: latest.oldestExpiredAge === null ? 'none' : durationText(latest.oldestExpiredAge),
      note: latest.oldestExpiredAge === null ? 'nothing to delete was seen' : 'how far behind the purge is',
    },
    ...purged,
  ];
}

function countPlots(cache: string, readings: readonly Counts[]): Plot[] {
  const times = readings.map(({ at }) => Date.parse(at) / 1000);
  const active = readings.map((reading) => reading.active.count);
  const expired = readings.map((reading) => reading.expired.count);
  const data = readings.map(({ dataBytes }) => dataBytes);
  const index = readings.map(({ indexBytes }) => indexBytes);
  const ages = readings.map(({ oldestExpiredAge }) =>
    oldestExpiredAge === null ? 0 : (parseDuration(oldestExpiredAge) ?? 0) / 1000,
  );
  const between = (what: string, values: (number | null)[], text: (value: number) => string) => {
    const range = rangeOf(values);
    return range ? `${what} between ${text(range.least)} and ${text(range.greatest)}.` : '';
  };
  const common = { kind: 'lines', times } as const;
  return [
    {
      ...common,
      id: `${cache}-entries`,
      title: 'Entries',
      unit: 'count',
      series: [
        { label: 'Active', tone: 'first', values: active },
        { label: 'Expired', tone: 'second', values: expired },
      ],
      summary: `${between('Active', active, numberText)} ${between('Expired', expired, numberText)}`,
    },
    {
      ...common,
      id: `${cache}-size`,
      title: 'Table size',
      unit: 'bytes',
      series: [
        { label: 'Data', tone: 'first', values: data },
        { label: 'Indexes', tone: 'third', values: index },
      ],
      summary: `${between('Data', data, bytesText)} ${between('Indexes', index, bytesText)}`,
    },
    {
      ...common,
      id: `${cache}-age`,
      title: 'Oldest expired entry, its age',
      unit: 'seconds',
      series: [{ label: 'Age', tone: 'second', values: ages }],
      summary: between('Age', ages, (seconds) => humanDuration(seconds * 1000)),
    },
  ];
}

function deletionPlot(cache: string, purges: readonly RunRecord[]): Plot[] {
  const runs = [...purges].reverse().flatMap((record) => {
    const report = readPurge(record);
    return report ? [{ at: Date.parse(record.startedAt) / 1000, deleted: report.deleted }] : [];
  });
  const total = runs.reduce((sum, { deleted }) => sum + deleted, 0);
  const most = Math.max(0, ...runs.map(({ deleted }) => deleted));
  return [
    {
      id: `${cache}-deletions`,
      title: 'Deleted by each purge',
      kind: 'bars',
      unit: 'count',
      times: runs.map(({ at }) => at),
      series: [{ label: 'Deleted', tone: 'fourth', values: runs.map(({ deleted }) => deleted) }],
      summary: `${numberText(total)} deleted by ${numberText(runs.length)} ${runs.length === 1 ? 'purge' : 'purges'}, at most ${numberText(most)} by one.`,
    },
  ];
}

function readingOf({ at, active, expired, dataBytes, indexBytes, oldestExpiredAge }: Counts): Reading {
  return {
    at,
    active: countText(active),
    expired: countText(expired),
    data: dataBytes === null ? 'unknown' : bytesText(dataBytes),
    index: indexBytes === null ? 'unknown' : bytesText(indexBytes),
    oldestExpired: oldestExpiredAge === null ? 'none' : durationText(oldestExpiredAge),
  };
}

/** At most `count` of the values, evenly, the last one among them. */
function thinned<T>(values: readonly T[], count: number): T[] {
  const step = Math.ceil(values.length / count);
  return values.filter((_, index) => (values.length - 1 - index) % step === 0);
}
