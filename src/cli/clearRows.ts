import type { RedisClearPlan, RedisClearReport } from '../lib/redis/clearReport.ts';
import type { ReportOf } from '../lib/runs/catalogue.ts';
import type { ClearPlan, ClearReport } from '../lib/sql/clearReport.ts';
import { countText, numberText } from '../lib/sql/summaries.ts';
import { reasonsText, usersText } from '../lib/unreadableTally.ts';
import type { Row } from './output.ts';

/** The report of a clear, as lines for people. */
export function clearRows(report: ReportOf<'clear'>): Row[] {
  return [
    ...('prefix' in report ? redisRows(report) : sqlRows(report)),
    ...unreadableRows(report),
    ...(report.dryRun ? [['to do it', 'repeat with --confirm and the name of the cache'] as Row] : []),
  ];
}

function unreadableRows({ unreadable }: ReportOf<'clear'>): Row[] {
  if (!unreadable) return [];
  return [
    ['unreadable', reasonsText(unreadable)],
    ['sign in', usersText(unreadable)],
    ['looked at', `${numberText(unreadable.looked)} entries${unreadable.complete ? '' : ', not all'}`],
  ];
}

function sqlRows(report: ClearReport | ClearPlan): Row[] {
  if (report.dryRun) {
    return [
      ['table', report.table],
      ['would delete', `${countText(report.wouldDelete)} entries`],
      ...(report.unreadable
        ? []
        : [['sign in again', `the users of ${countText(report.active)} entries that are alive`] as Row]),
      ['way', report.way],
      ['statement', report.statement],
    ];
  }
  return [
    ['table', report.table],
    ['stopped', report.stopReason],
    [
      'deleted',
      `${numberText(report.deleted)} entries${report.unreadable ? '' : ` that expire up to ${report.upTo ?? 'no time: there are none'}`}`,
    ],
    ['batches', numberText(report.batches)],
    ...(report.unreadable ? [] : aboutTheRest(report)),
    ['locked by apps', numberText(report.skippedLocked)],
    ...report.kept.map(({ cause, advice }): Row => ['kept', `${cause} ${advice}`]),
  ];
}

function aboutTheRest(report: ClearReport): Row[] {
  return [
    ['there now', report.remaining ? `${countText(report.remaining)} entries` : 'unknown'],
    ['of these new', report.newer ? countText(report.newer) : 'unknown'],
  ];
}

function redisRows(report: RedisClearReport | RedisClearPlan): Row[] {
  const about: Row[] = [['keys', `under ${report.prefix}, database ${report.database}`]];
  const prefixes = (report.prefixes ?? []).map(
    ({ prefix, entries }): Row => [
      'prefix',
      `${prefix}: ${numberText(entries)} entries${prefix === report.prefix ? '' : ', maybe of another app'}`,
    ],
  );
  const others: Row = ['passed over', `${numberText(report.passedOver)} keys under it that are not entries`];
  if (report.dryRun) {
    const nodes = report.nodes.map(({ node, entries }): Row => ['node', `${node}: ${countText(entries)}`]);
    return [
      ...about,
      ['would delete', `${countText(report.wouldDelete)} entries`],
      ...(prefixes.length > 1 ? prefixes : []),
      ...nodes,
      others,
    ];
  }
  return [
    ...about,
    ['stopped', report.stopReason],
    ['deleted', `${numberText(report.deleted)} entries`],
    ...report.nodes.map(
      ({ node, deleted, complete }): Row => [
        'node',
        `${node}: ${numberText(deleted)}${complete ? '' : ', not finished'}`,
      ],
    ),
    others,
    ...(report.unreadable
      ? []
      : [['new', report.remaining ? `${countText(report.remaining)} entries` : 'unknown'] as Row]),
  ];
}
