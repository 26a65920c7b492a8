import { readFileSync } from 'node:fs';
import { copyRight, rightsOnTable, ringRights } from '../../src/lib/sql/grants.ts';
import * as postgres from '../../src/lib/sql/postgres/grantStatements.ts';
import * as sqlServer from '../../src/lib/sql/sqlserver/grantStatements.ts';
import { between, code, table } from './markdown.ts';

const roles = readFileSync(new URL('../../infra/roles.bicep', import.meta.url), 'utf8');

const engines = [
  {
    engine: 'SQL Server',
    grant: sqlServer.grantOnTable,
    ring: '[dbo].[DataProtectionKeys]',
    copies: '[dbo].[DataProtectionKeys_backup]',
    names: ['[APP]', '[WEB]'],
  },
  {
    engine: 'PostgreSQL',
    grant: postgres.grantOnTable,
    ring: 'public."DataProtectionKeys"',
    copies: 'public."DataProtectionKeys_backup"',
    names: ['"APP"', '"WEB"'],
  },
];

/** docs/reference/rights.md, with the roles that a deployment gives, and the statements of `token-cache grant`. */
export function withRights(text: string): string {
  const named = [
    ...roles.matchAll(/^ {2}\/\/ ([^:\n]+): (.+)\n {2}'([0-9a-f-]{36})'/gm),
    ...roles.matchAll(/@description\('([^:']+): (.+)'\)\nvar \w+ = '([0-9a-f-]{36})'/g),
  ].map(([, role = '', what = '', id = '']) => [role, what, code(id)]);
  const app = rightsOnTable({ name: '', id: '', as: 'app' });
  const consumer = rightsOnTable({ name: '', id: '', as: 'consumer' });
  const statements = [
    ['SQL Server', 'this app', sqlServer.grantOnTable('[dbo].[TokenCache]', '[APP]', app)],
    ['SQL Server', 'this app, for the expiry index', sqlServer.grantAlter('[dbo].[TokenCache]', '[APP]')],
    ['SQL Server', 'a web app', sqlServer.grantOnTable('[dbo].[TokenCache]', '[WEB]', consumer)],
    ['PostgreSQL', 'both', postgres.grantUsage('public', '"APP"')],
    ['PostgreSQL', 'this app', postgres.grantOnTable('public.tokencache', '"APP"', app)],
    ['PostgreSQL', 'a web app', postgres.grantOnTable('public.tokencache', '"WEB"', consumer)],
    ...engines.flatMap(({ engine, grant, ring, copies, names: [app = '', web = ''] }) => [
      [engine, 'this app, a ring in mode observe', grant(ring, app, ringRights.app.observe)],
      [engine, 'this app, a ring in mode manage', grant(ring, app, ringRights.app.manage)],
      [engine, 'this app, copies of that ring', grant(copies, app, copyRight)],
      [engine, 'a web app, a ring in mode observe', grant(ring, web, ringRights.consumer.observe)],
      [engine, 'a web app, a ring in mode manage', grant(ring, web, ringRights.consumer.manage)],
    ]),
  ].map(([engine = '', who = '', statement = '']) => [engine, who, code(statement)]);
  return between(
    text,
    `## Roles that a deployment gives\n\n${table(['role', 'what it is for', 'id'], named)}\n\n## Statements of \`token-cache grant\`\n\n${table(['engine', 'for', 'statement'], statements)}`,
  );
}
