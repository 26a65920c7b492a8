/** The names of findings: one list, each explained in the runbook under its name. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { judgeApp } from '../../src/lib/findings/judgeApp.ts';
import { type RingCheck, ringCheckNames } from '../../src/lib/keyRing/rule/findingAdvice.ts';
import { earlierCheckNames, watchCheckNames } from '../../src/lib/redis/rules/rules.ts';
import { checkNames, runbookFolder, runbookOf } from '../../src/lib/runbook.ts';
import { findingPolicy, findingShape } from '../../src/lib/settings/findingSettings.ts';
import { anchorsOf } from '../support/anchors.ts';
import { root } from '../support/childProcess.ts';

/** Names that the records of earlier versions hold, and the present ones. */
const earlierOfRings: Readonly<Record<string, RingCheck>> = {
  master_key_in_plain_text: 'keys-in-plain-text',
  protection_none: 'keys-in-plain-text',
  protector_expires_soon: 'key-version-expires',
};

describe('the names of findings', () => {
  it('are those of the judges, of the looks at Redis and of the statuses of rings', () => {
    expect(checkNames).toEqual(
      expect.arrayContaining(['purge-absent', 'redis-memory-high', 'restarted', 'recordStore', 'no_default_key']),
    );
    expect(new Set(checkNames).size).toBe(checkNames.length);
  });

  it('are each on one page of the runbook, those of looks and rings among them', () => {
    for (const name of [...watchCheckNames, ...ringCheckNames]) expect(checkNames, name).toContain(name);
  });

  it.each(checkNames)('%s has its section where it is linked to', (name) => {
    const [path = '', anchor] = runbookOf(name, runbookFolder).split('#');
    expect(anchorsOf(readFileSync(`${root}/${path}`, 'utf8')).filter((each) => each === anchor)).toHaveLength(1);
  });

  it('of earlier versions have their present ones', () => {
    const present = [
      ...Object.values(earlierCheckNames).flatMap((nameOf) => [nameOf('warning'), nameOf('critical')]),
      ...Object.values(earlierOfRings),
    ];
    for (const name of present) expect(checkNames).toContain(name);
    for (const name of [...Object.keys(earlierCheckNames), ...Object.keys(earlierOfRings)])
      expect(checkNames).not.toContain(name);
  });
});

describe('FINDING_LEVELS', () => {
  const found = (levels: string) => {
    const defaults = Object.fromEntries(
      Object.entries(findingShape).map(([name, schema]) => [name, schema.parse(undefined)]),
    );
    const values = { ...defaults, FINDING_LEVELS: findingShape.FINDING_LEVELS.parse(levels) };
    return judgeApp({
      now: new Date(),
      policy: findingPolicy(values as Parameters<typeof findingPolicy>[0], '0 */5 * * * *', 0),
      settingProblems: [],
      settingWarnings: [],
      recordStore: 'table',
      recordsReadable: true,
      ahead: [],
      timers: [],
      queue: undefined,
      isTold: () => false,
    });
  };

  it('with a name that no finding has is a finding', () => {
    expect(found('app-purge=off, tabel-size=info')).toEqual([
      expect.objectContaining({ check: 'settings', level: 'warning', what: expect.stringContaining('tabel-size') }),
    ]);
    expect(found('app-purge=off,redis-memory-critical=warning,no_successor=info')).toEqual([]);
  });
});
