import { checksOf, critical, type Outcome, outcomeOf, pass, worst } from '../../../checks/check.ts';
import type { RingStatus } from '../../../keyRing/jobs/ringStatus.ts';
import { KeyRingError } from '../../../keyRing/keyRingError.ts';
import type { RingSubject } from '../subjects/ringSubject.ts';

interface Group {
  id: string;
  findings: readonly string[];
  advice: string;
}

/** The findings of a ring's status, grouped by what one would look at. docs/runbook explains each. */
const groups: Group[] = [
  {
    id: 'ring-damage',
    findings: ['element_not_well_formed', 'duplicate_key', 'revocation_unreadable', 'not_judged'],
    advice: 'Repair the ring at once: remove the element that is named, after a copy. Apps fail at their next refresh.',
  },
  {
    id: 'ring-default-key',
    findings: [
      'no_default_key',
      'no_default_soon',
      'no_successor',
      'rotation_stopped',
      'last_usable_key',
      'versions_differ',
    ],
    advice: 'See the runs of `rotateKeyRing`; `token-cache key-ring rotate` publishes what is due (mode manage).',
  },
  {
    id: 'ring-writers',
    findings: ['racing_keys', 'activated_at_creation', 'automatic_generation'],
    advice: 'Let one writer alone rotate the ring: DisableAutomaticKeyGeneration in every app.',
  },
  {
    id: 'ring-elements',
    findings: ['key_passed_over', 'foreign_element', 'ring_not_seen', 'date_without_zone'],
    advice: 'Find out who wrote it. .NET passes over it, and so it protects nothing.',
  },
  {
    id: 'ring-clock',
    findings: ['clock_skew'],
    advice: 'Set the clock that is wrong: keys are used by their dates.',
  },
];

/** All other findings are about how the keys are protected, a failure of the protector included. */
const protection: Group = {
  id: 'ring-protection',
  findings: [],
  advice:
    'Enable the version or certificate that is named, re-wrap (`token-cache key-ring rewrap`) or protect the ring; docs/runbook/key-ring-protection.md has each finding.',
};

const grouped = new Set(groups.flatMap(({ findings }) => findings));

function figuresOf({ keys }: RingStatus) {
  const states = [...Map.groupBy(keys, ({ state }) => state)];
  return states.map(([state, { length: value }]) => ({ what: `keys ${state}`, value }));
}

export const ringChecks = checksOf<RingSubject>('encryption', 25_000, {
  'ring-read': async (subject) => {
    try {
      const status = await subject.status();
      if (status.keys.length > 0) return pass(`The ring has ${status.keys.length} keys.`, figuresOf(status));
      return critical({
        cause: 'ring_empty',
        what: `The ring holds no key (${status.store}): apps that read it have none, or make one each.`,
        advice:
          'Check the place of the ring in KEY_RINGS against PersistKeysTo… of the apps; `token-cache key-ring rotate` publishes a first key (mode manage).',
      });
    } catch (error) {
      // What the connection failed for is said by its own check.
      if (!(error instanceof KeyRingError)) throw error;
      return critical({ cause: error.code, what: error.message, advice: error.advice });
    }
  },
  ...Object.fromEntries(
    [...groups, protection].map((group) => [group.id, (subject: RingSubject) => judgeGroup(group, subject)]),
  ),
});

async function judgeGroup({ id, findings, advice }: Group, subject: RingSubject): Promise<Outcome> {
  const status = await subject.status();
  // An empty ring has a finding for all that it lacks; the check of the ring itself says it once.
  if (status.keys.length === 0 && id !== 'ring-damage') return pass('The ring has no key to look at.');
  const own = status.findings.filter(({ check }) =>
    id === protection.id ? !grouped.has(check) : findings.includes(check),
  );
  const outcomes = own.map((found) => outcomeOf({ ...found, advice }, found.check));
  return { ...worst(outcomes, pass('Nothing found.')), evidence: figuresOf(status) };
}
