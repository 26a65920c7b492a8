import type { AppReport } from '../appTelemetry/appReport.ts';
import { binMs } from '../appTelemetry/policy.ts';
import { isReal } from '../runs/history.ts';
import { bytesText, countOf, percentText } from '../wording.ts';
import { type AppEvent, eventsOf } from './appEvents.ts';
import { about, type Judgement, note, warning } from './judgement.ts';
import { type JudgeContext, judgeRuns } from './judgeRuns.ts';
import { type SubjectRecords, titleOf, type WebAppRecords } from './subjectRecords.ts';

/** Fewer hits tell of no latency, fewer calls of no share of failures. */
const leastHits = 20;
const leastCalls = 50;
const leastFailures = 5;
/** How much more than before makes a cluster, and how many sign-ins it has at least. */
const timesMore = 3;
const leastSignIns = 20;
/** So long after a run its effect is looked for. */
const effectMs = 30 * 60_000;
/** So much of the time before must be known. */
const leastBeforeMs = 60 * 60_000;

/**
 * What somebody should know of a cache's web app, from the newest look at its telemetry, beside the runs on its cache and on the
 * rings that protect it. What the report does not know is not a finding.
 */
export function judgeWebApp(records: WebAppRecords, subjects: readonly SubjectRecords[], context: JudgeContext) {
  const newest = records.app.runs.find((run) => isReal(run) && run.report)?.report;
  const found = newest ? judgeAppReport(newest, records, subjects, context) : [];
  return about(titleOf(records), [...judgeRuns(records.app, context), ...found]);
}

type Policies = Pick<JudgeContext, 'policy'>;

/** What one look at the telemetry of a cache's web app says, beside the runs on its cache and its rings. */
export function judgeAppReport(
  report: AppReport,
  app: Pick<WebAppRecords, 'name' | 'rings'>,
  subjects: readonly SubjectRecords[],
  policies: Policies,
): Judgement[] {
  return [
    ...metricsAbsent(report),
    ...hitRatio(report, policies),
    ...latency(report, policies),
    ...unreadable(report, app.name),
    ...storeErrors(report, app.name),
    ...failures(report, policies),
    ...signIns(report, eventsOf(app, subjects)),
    ...memory(report, policies),
  ];
}

/** It may be a quiet night: a note. */
function metricsAbsent({ calls, role, partial, otherRoles, storeErrors }: AppReport): Judgement[] {
  if (calls || partial.length > 0) return [];
  const others =
    otherRoles.length > 0
      ? ` Roles that have some: ${otherRoles.join(', ')}.`
      : storeErrors
        ? ' Its logs arrive.'
        : ' Nor do its logs arrive.';
  return note(
    'app-metrics-absent',
    `In the last 6 hours no metric of MSAL came from the role ${role}: its hit ratio and failures are unknown.${others}`,
    'Without traffic there is none. Otherwise correct `app.role` of the cache in TOKEN_CACHES, or switch the metrics on: AddMeter("MicrosoftIdentityClient_Common_Meter"), see docs/app-metrics.md.',
  );
}

function hitRatio({ hitRatio: ratio, calls }: AppReport, { policy }: Policies): Judgement[] {
  if (!ratio || !calls || ratio.all * 100 >= policy.app.hitRatio) return [];
  const share = (value: number) => percentText(value * 100);
  return warning(
    'app-hit-ratio',
    `Of the tokens that the web app looks for, ${share(ratio.all)} are in a cache: ${share(ratio.l1)} in memory, ${share(ratio.l2)} in the distributed cache. ${countOf(calls.misses, 'miss', 'misses')}, ${countOf(calls.lost, 'lost entry', 'lost entries')}.`,
    calls.l2Hits === 0
      ? 'No token came from the distributed cache: see which cache is in effect, and whether it fails (it then looks like a miss): `token-cache diagnose --app PATH`.'
      : 'See whether entries are evicted or expire too soon (`token-cache diagnose --cache NAME`), and whether the app asks for scopes that differ (`token-cache diagnose --app PATH`).',
  );
}

function latency({ l1Latency: l1, l2Latency: l2 }: AppReport, { policy }: Policies): Judgement[] {
  const slow = (of: typeof l1) => of && of.calls >= leastHits && of.meanMs > policy.app.latencyMs;
  if (!slow(l1) && !slow(l2)) return [];
  const text = (of: typeof l1, where: string) =>
    of && slow(of) ? [`${where} take ${Math.round(of.meanMs)} ms in the mean, ${Math.round(of.maxMs)} ms at most`] : [];
  return warning(
    'app-latency',
    `${[...text(l2, 'Hits in the distributed cache'), ...text(l1, 'Hits in memory, each of which tells the distributed cache too,')].join('; ')}.`,
    'Look at the cache and the way to it: `token-cache diagnose --cache NAME` (latency, entries-large). In the app, the L1 cache must be on: DisableL1Cache = false.',
  );
}

function unreadable({ unreadable: found }: AppReport, cache: string): Judgement[] {
  const { failures, encrypting, plain } = found;
  if (!failures && !encrypting && !plain) return [];
  const counted = failures === null ? '' : ` ${countOf(failures, 'call')} for a token failed over that.`;
  const ofEncrypting = encrypting
    ? ` ${countOf(encrypting, 'read')} by an app that encrypts: the key is in no ring that it reads.`
    : '';
  const ofPlain = plain ? ` ${countOf(plain, 'read')} by an app that does not encrypt.` : '';
  return warning(
    'app-unreadable-entries',
    `The web app reads entries that it cannot use.${counted}${ofEncrypting}${ofPlain}`,
    `They do not heal by reading. Find the cause with \`token-cache diagnose --cache ${cache}\` and \`--app PATH\`; then \`token-cache clear --unreadable --cache ${cache}\` removes them, and no other.`,
  );
}

function storeErrors({ storeErrors: errors }: AppReport, cache: string): Judgement[] {
  if (!errors || errors.length === 0) return [];
  return warning(
    'app-store-errors',
    `The distributed cache failed the web app: ${errors.map(({ type, count }) => `${type} (${count.toLocaleString('en-US')})`).join(', ')}. MSAL's metrics show that as misses.`,
    `See whether the cache can be reached, and is not refusing: \`token-cache diagnose --cache ${cache}\`.${errors.some(({ type }) => /redis/i.test(type)) ? " The app's connection string should have `abortConnect=False`." : ''}`,
  );
}

type Bins = AppReport['series'];
const total = (bins: Bins, figure: 'calls' | 'failures') => bins.reduce((sum, bin) => sum + bin[figure], 0);

/** A share of failures that is high, and the deployment after which it rose, where one is known. */
function failures(report: AppReport, { policy }: Policies): Judgement[] {
  const { series, versions, calls } = report;
  const codes = (report.failures ?? [])
    .slice(0, 3)
    .map(({ code, sts, calls: count }) => `${code}${sts ? ` (AADSTS${sts})` : ''}: ${count.toLocaleString('en-US')}`);
  const [version] = versions;
  const deployedAt = version && versions.length > 1 ? Date.parse(version.since) : undefined;
  const before = series.filter(({ at }) => deployedAt !== undefined && Date.parse(at) < deployedAt);
  const after = series.filter(({ at }) => deployedAt !== undefined && Date.parse(at) >= deployedAt);
  const share = (bins: Bins) => (100 * total(bins, 'failures')) / total(bins, 'calls');
  const isKnown = total(before, 'calls') >= leastCalls && total(after, 'calls') >= leastCalls;
  if (version && isKnown && total(after, 'failures') >= leastFailures)
    if (share(after) > policy.app.failures && share(after) >= timesMore * share(before))
      return warning(
        'app-errors-after-deployment',
        `Since version ${version.version} is at work, ${percentText(share(after))} of the calls for tokens fail; before it was ${percentText(share(before))}. ${codes.join(', ')}.`,
        'Compare the two versions with `token-cache diagnose --app PATH` (scopes, key ring, application name, options), or go back to the one before.',
        version.since,
      );
  if (!calls || calls.failures < leastFailures) return [];
  const all = Object.values(calls).reduce((sum, count) => sum + count, 0);
  if (all < leastCalls || (100 * calls.failures) / all <= policy.app.failures) return [];
  return warning(
    'app-failures',
    `${percentText((100 * calls.failures) / all)} of the calls for tokens fail. ${codes.join(', ')}.`,
    'json_parse_failed is an entry that cannot be read; invalid_grant asks the user (consent, second factor); the name of an exception is the network. Look the AADSTS number up at login.microsoftonline.com/error.',
  );
}

/** Sign-ins and lost entries that come at once after a run: the run is named, which does not prove that it did it. */
function signIns({ series }: AppReport, events: readonly AppEvent[]): Judgement[] {
  const first = series[0] && Date.parse(series[0].at);
  if (first === undefined) return [];
  for (const { at, what, advice } of events) {
    // The bin in which the run began is neither before nor after it.
    const begin = Math.floor(at / binMs) * binMs;
    const before = sumBetween(series, first, begin);
    const after = sumBetween(series, begin, begin + effectMs);
    const beforeMs = begin - first;
    if (beforeMs < leastBeforeMs || after < leastSignIns) continue;
    const expected = (before * effectMs) / beforeMs;
    if (after < timesMore * expected) continue;
    // A rise that was there already has another cause.
    if (sumBetween(series, begin - 2 * binMs, begin) > (timesMore * before * 2 * binMs) / beforeMs) continue;
    return warning(
      'app-sign-ins-clustered',
      `${countOf(after, 'user')} signed in or lost an entry in the 30 minutes after ${what}; ${countOf(expected, 'user')} would have been usual.`,
      advice,
      new Date(at).toISOString(),
    );
  }
  return [];
}

function sumBetween(series: Bins, from: number, to: number): number {
  return series
    .filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < to)
    .reduce((sum, { signIns: count, misses }) => sum + count + misses, 0);
}

function memory({ memory: found }: AppReport, { policy }: Policies): Judgement[] {
  if (!found || found.bytesPerHour === null || found.bytesPerHour <= policy.app.memoryGrowthBytes) return [];
  return warning(
    'app-memory-growth',
    `A process of the web app grows by ${bytesText(found.bytesPerHour)} an hour; the largest has ${bytesText(found.largestBytes)}.`,
    'An in-memory token cache without a limit does that: `token-cache diagnose --app PATH` (app-memory-cache, app-l1-cache). Set L1CacheOptions.SizeLimit, or an expiry of entries.',
  );
}
