import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files of half a minute and more, the longest first. Those that mostly wait stand between those that mostly work, so that the
 * processor has work at any time; a file that is missing here costs no more than the time for which it alone is left.
 */
const slow = [
  'interop/ringReading',
  'e2e/workQueue',
  'infra/bicep',
  'e2e/httpTurns',
  'integration/redisNodes',
  'conformance/postgresPartitioned',
  'integration/diagnosis/postgres',
  'e2e/start',
  'e2e/secrecy',
  'infra/hooks',
  'e2e/commandEnd',
  'integration/diagnosis/itself',
  'conformance/sqlServerEndpoint',
  'integration/sqlServerConnections',
  'integration/sqlServerFaults',
  'interop/clearUnreadable',
  'integration/diagnosis/postgresTable',
  'conformance/postgresPooled',
  'integration/redisWatch',
  'e2e/diagnose',
  'integration/diagnosis/redis',
  'interop/keyRing',
  'integration/diagnosis/connections',
  'e2e/statusPage',
  'integration/diagnosis/anyValue',
  'interop/ringRaces',
];

/** Slow files first, so that no worker is left alone with one at the end; the unit tests last. */
export default class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId, project }: TestSpecification) => {
      const at = slow.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return project.name === 'unit' ? slow.length + 1 : at < 0 ? slow.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
