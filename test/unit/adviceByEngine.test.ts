/** Advice on a connection names the keywords of its own client, and no other's. */
import { expect, it } from 'vitest';
import { clientWords } from '../../src/lib/findings/diagnosis/connection/line.ts';
import { redisAdvice, sqlAdvice } from '../../src/lib/findings/diagnosis/connection/stringAdvice.ts';
import { parseConnectionString as parseRedis } from '../../src/lib/redis/connectionString.ts';
import { parseConnectionString as parsePostgres } from '../../src/lib/sql/postgres/connectionString.ts';
import { parseConnectionString as parseSqlServer } from '../../src/lib/sql/sqlserver/connectionString.ts';

const words = {
  sqlserver: /\b(Encrypt|TrustServerCertificate|Max Pool Size|HostNameInCertificate|Server=)\b/,
  postgres: /\b(SSL Mode|Maximum Pool Size|Root Certificate|Port=)/,
  redis: /\b(ssl=|sslHost|abortConnect|REDIS_CA_FILE|6379|6380)/,
};

const sqlServer = ['Encrypt=False;Pooling=False', 'Max Pool Size=5', 'TrustServerCertificate=True'];
const postgres = ['SSL Mode=Disable;Pooling=False', 'SSL Mode=Disable;Maximum Pool Size=5'];
const redis = [
  'x.redis.cache.windows.net:6380,password=p,ssl=False,abortConnect=True',
  '8.8.8.8:6379,abortConnect=True',
];

it.each([
  [
    'sqlserver',
    sqlServer.map((options) =>
      sqlAdvice.sqlserver(parseSqlServer(`Server=db;Database=d;User ID=u;Password=p;${options}`)),
    ),
  ],
  [
    'postgres',
    postgres.map((options) => sqlAdvice.postgres(parsePostgres(`Host=db;Database=d;Username=u;Password=p;${options}`))),
  ],
  ['redis', redis.map((text) => redisAdvice(parseRedis(text)))],
] as const)('on %s', (engine, advice) => {
  for (const points of advice) expect(points).not.toEqual([]);
  const told = JSON.stringify([advice, clientWords[engine]]);
  expect(told).toMatch(words[engine]);
  for (const [other, theirs] of Object.entries(words)) if (other !== engine) expect(told).not.toMatch(theirs);
});
