import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { atOnce, waiting } from '../../src/functions/http/turns.ts';
import { root } from '../support/childProcess.ts';

const hostJson = async () => JSON.parse(await readFile(`${root}/host.json`, 'utf8'));

describe('host.json', () => {
  it('keeps the requests of the Azure SDK out of the log, and what the functions say in it', async () => {
    const { logging } = await hostJson();
    expect(logging.logLevel).toMatchObject({
      'Azure.Core': 'Warning',
      Function: 'Information',
      default: 'Information',
    });
  });

  // A request that is held takes memory, before this app is asked: 3,000 at once took 262 MB.
  it('hands on as many requests at once as can wait their turn, and not many more', async () => {
    const { http } = (await hostJson()).extensions;
    const canWait = Object.values(atOnce).reduce((sum, kind) => sum + kind + waiting, 0);
    for (const limit of [http.maxConcurrentRequests, http.maxOutstandingRequests]) {
      expect(limit).toBeGreaterThan(canWait);
      expect(limit).toBeLessThanOrEqual(800);
    }
  });
});
