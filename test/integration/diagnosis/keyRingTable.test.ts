/** A key ring in a table of Entity Framework: the connection to it, and what stands there. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { rotateKeyRing } from '../../../src/lib/keyRing/jobs/rotate.ts';
import { diagnose } from '../../support/diagnosis.ts';
import { createRingTable, postgresTableRing } from '../../support/tableRing.ts';
import { useTestDatabase } from '../../support/testDatabase.ts';
import { jobDeps } from '../../support/testRing.ts';

const database = useTestDatabase();
const settings = (url = database.url) => ({
  KEY_RINGS: JSON.stringify([
    {
      name: 'web',
      store: { kind: 'postgres', connectionStringSetting: 'RING_STORE' },
      protector: { kind: 'none' },
    },
  ]),
  RING_STORE: url,
});

const blamedOf = async (of: Record<string, string>) => (await diagnose(of)).blamed;

describe('of a ring in a table, the diagnosis', () => {
  afterEach(() => database.query('drop table if exists "DataProtectionKeys"'));

  it('blames no connection where there is none to blame', async () => {
    await database.query(createRingTable('"DataProtectionKeys"'));
    const store = postgresTableRing(database.url);
    await rotateKeyRing(jobDeps({ store, clock: systemClock }));
    await store.close();
    expect(await blamedOf(settings())).toEqual(['ring-protection: keys-in-plain-text']);
  });

  it('blames a table that is not there', async () => {
    expect(await blamedOf(settings())).toEqual(['ring-store: table_missing']);
  });

  it('blames a wrong password, and does not tell it', async () => {
    const url = Object.assign(new URL(database.url), { username: 'nobody_here', password: 'secret-1' }).href;
    const { blamed, report } = await diagnose(settings(url));
    expect(blamed).toEqual(['ring-store: login_failed']);
    expect(JSON.stringify(report)).not.toContain('secret-1');
  });
});
