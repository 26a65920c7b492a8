import type * as grants from '../../../src/lib/sql/sqlserver/grantStatements.ts';
import type * as inspection from '../../../src/lib/sql/sqlserver/inspectionStatements.ts';
import type * as ring from '../../../src/lib/sql/sqlserver/ringStatements.ts';
import type * as statements from '../../../src/lib/sql/sqlserver/statements.ts';
import { appTwins } from './appStatements.ts';
import type { Entry, StatementTable } from './statementTable.ts';
import { entryTwins } from './twins/entries.ts';
import { expiryIndexTwins } from './twins/expiryIndex.ts';
import { figureTwins } from './twins/figures.ts';
import { grantTwins } from './twins/grants.ts';
import { inspectionTwins } from './twins/inspection.ts';
import { ringTwins } from './twins/ring.ts';
import { serverTwins } from './twins/server.ts';

/** Exports of the adapter's module that are not statements; `sample` is rendered for each share. */
export const noStatements = ['sampleShares', 'formsPerDelete'] as const;

export type StatementName = Exclude<keyof typeof statements, (typeof noStatements)[number]>;

/** Every statement of the adapter. One without an entry does not compile, and fails a test. */
export const adapterStatements: Record<StatementName, Entry> = {
  ...serverTwins,
  ...entryTwins,
  ...expiryIndexTwins,
  ...figureTwins,
};

/** Every statement of the adapter that a diagnosis runs. */
export const inspectionStatements: Record<keyof typeof inspection, Entry> = inspectionTwins;

/** Every statement that gives rights. */
export const grantStatements: Record<keyof typeof grants, Entry> = grantTwins;

/** Every statement on a key ring's table. */
export const ringStatements: Record<keyof typeof ring, Entry> = ringTwins;

/** All that the endpoint knows. */
export const knownStatements: StatementTable = {
  ...adapterStatements,
  ...inspectionStatements,
  ...grantStatements,
  ...ringStatements,
  ...appTwins,
};
