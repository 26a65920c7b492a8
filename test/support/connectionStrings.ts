import fc from 'fast-check';
import { type ClientName, clientKeywords, type Keyword } from '../../src/lib/connectionStrings/keywords.ts';

/** Connection strings as people write them: mostly right, with synonyms, spacing, quotes, duplicates and what is wrong here and there. */

/** Mostly right ones. */
const often = (right: string[], odd: string[]) => [...right, ...right, ...right, ...right, ...odd];
const hosts = {
  npgsql: often(
    ['localhost', 'pg.contoso.com', '10.1.2.3', 'h:5433', '[::1]:5', '::1', 'a,b', 'a:1, b:2 ,c'],
    ['h:x', '/tmp', 'h h', 'h:0'],
  ),
  sqlClient: often(
    [
      's',
      'tcp:s.contoso.com,1444',
      's\\SQLEXPRESS',
      's\\i,1450',
      '(local)',
      '.',
      'tcp: s , 7 ',
      '[::1],5',
      'TCP:S',
      's,1,2',
    ],
    ['s,99999', 's,x', 's,', 's\\', 'np:s', 'admin:s', 's,5\\i', '(localdb)\\x', 's\\mssqlserver', 's/x'],
  ),
  stackExchangeRedis: often(
    ['h', 'h:6390', 'a.contoso.com:6380', '10.0.0.1:7000', '[::1]:7', '::1', 'n.redis.cache.windows.net:6380'],
    [
      'n.redis.cache.windows.net',
      'n.redis.azure.net:10000',
      'n.cloud.redis.io',
      'h:x',
      '!/tmp/s',
      'h:70000',
      'h:0',
      'h h',
    ],
  ),
} satisfies Record<ClientName, string[]>;

/** Where a client finds its server, and how it logs in: without them a string is seldom one that is taken. */
const needed = {
  npgsql: ['Host', 'Username', 'Password', 'Database'],
  sqlClient: ['Data Source', 'User ID', 'Password', 'Initial Catalog'],
  stackExchangeRedis: ['password'],
} satisfies Record<ClientName, string[]>;

const texts = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('x', 'app', 'a b', 'p=w', 'S3cr3t!', 'ü', '{abc}', '-c search_path=auth', '/no/file'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', ' x ', 'a"b', "a'b", '"', "'", '=', 'a;b', 'y'.repeat(129), 'y'.repeat(261), '\t'),
  },
);

function valueFor(client: ClientName, name: string, keyword: Keyword): fc.Arbitrary<string> {
  const wrong = fc.constantFrom('perhaps', '1.5', '99999999999', '', ' ');
  if (name === 'Host' || name === 'Data Source') return fc.constantFrom(...hosts[client]);
  if (keyword.text) return texts;
  if (keyword.form)
    return fc.constantFrom('2.0', '6', '7.0.1', 'x', '', 'http:p:80', 'http://p:80', 'p:80', 'https://p:80');
  const edges = (keyword.numbers ?? []).flatMap(([least, most]) => [least, most, least - 1, most + 1, least + 1]);
  // Each limits the other, and numbers beyond overflow within Npgsql.
  if (name === 'Connection Pruning Interval' || name === 'Connection Idle Lifetime')
    edges.splice(0, edges.length, 1, 10, 300);
  const words = Object.keys(keyword.choices ?? {});
  const right = [...edges.map(String), ...words, ...(keyword.list ? [words.slice(0, 2).join(',')] : [])];
  return fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: wrong });
}

/** Letters in another case, now and then. */
const spelled = (text: fc.Arbitrary<string>) =>
  fc
    .tuple(text, fc.nat(4))
    .map(([word, how]) => (how === 0 ? word.toUpperCase() : how === 1 ? word.toLowerCase() : word));

const around = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(' ', '  ', '\n') },
);

function pairOf(client: ClientName, name: string): fc.Arbitrary<string> {
  const keyword = clientKeywords[client][name] as Keyword;
  const quotes = client === 'stackExchangeRedis' ? [''] : ['', '', '', '"', "'", "' "];
  return fc
    .tuple(
      spelled(fc.constantFrom(...keyword.names)),
      spelled(valueFor(client, name, keyword)),
      fc.constantFrom(...quotes),
      fc.tuple(around, around, around, around),
    )
    .map(([key, value, [quote = '', inner = ''], [a, b, c, d]]) => {
      const text = quote ? `${quote}${inner}${value.replaceAll(quote, quote + quote)}${inner}${quote}` : value;
      return `${a}${key}${b}=${c}${text}${d}`;
    });
}

const nonsense = {
  npgsql: ['', '', ';', 'x', 'x=', 'x=1', '=', 'Encrypt=True', 'a==b=1', 'Database="x', "Database=x'", 'Tenant=1'],
  sqlClient: [
    '',
    '',
    ';',
    'x',
    'x=',
    'x=1',
    '=',
    'Host=h',
    'a==b=1',
    'Password="x',
    "Password=x'",
    'Network Library=dbmssocn',
  ],
  stackExchangeRedis: ['', '', ' ', 'x=1', 'x=', '$CONFIG=', '$CONFIG=c', '$x=y', '=x', 'abcd1234=='],
} satisfies Record<ClientName, string[]>;

export function connectionString(client: ClientName): fc.Arbitrary<string> {
  const names = Object.keys(clientKeywords[client]);
  const separator = client === 'stackExchangeRedis' ? ',' : ';';
  const pair = fc.constantFrom(...names).chain((name) => pairOf(client, name));
  const odd = fc.constantFrom(...nonsense[client]);
  const base = fc.tuple(...needed[client].map((name) => fc.option(pairOf(client, name), { freq: 12, nil: '' })));
  const servers =
    client === 'stackExchangeRedis'
      ? fc.array(fc.constantFrom(...hosts.stackExchangeRedis), { minLength: 0, maxLength: 2 })
      : fc.constant<string[]>([]);
  return fc
    .tuple(
      servers,
      base,
      fc.array(pair, { maxLength: 4 }),
      fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: odd }),
      fc.boolean(),
    )
    .chain(([endpoints, own, others, wrong, shuffled]) => {
      const parts = [...own, ...others].filter((part) => part !== '');
      const all = [...parts, ...(wrong === undefined ? [] : [wrong])];
      const order = shuffled ? fc.shuffledSubarray(all, { minLength: all.length }) : fc.constant(all);
      return order.map((ordered) => [...endpoints, ...ordered].join(separator));
    });
}
