import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { root } from '../support/childProcess.ts';

describe('host.json', () => {
  it('keeps the requests of the Azure SDK out of the log, and what the functions say in it', async () => {
    const { logging } = JSON.parse(await readFile(`${root}/host.json`, 'utf8'));
    expect(logging.logLevel).toMatchObject({
      'Azure.Core': 'Warning',
      Function: 'Information',
      default: 'Information',
    });
  });
});
