import {
  type ClientName,
  clientKeywords,
  isRunTogether,
  ownName,
  readValue,
  unknownKeyword,
  wrongValue,
} from './keywords.ts';

/** What .NET counts as white space. */
const blank = '[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
/** A character that may stand outside of quotes, but for one. */
const plain = (not: string) => `(?:${blank}|[^${not}\\p{Cc}])`;

/** `name=value;` with `==` for a `=` in the name, and quotes around values that are doubled within (DbConnectionStringBuilder). */
const pair = new RegExp(
  [
    `(?:;|${blank})*(?:$|`,
    `(?!;|${blank})(?<name>(?:==|${plain('=')})+)=(?!=)${blank}*`,
    `(?:"(?<double>(?:[^"]|"")*)"${blank}*`,
    `|'(?<single>(?:[^']|'')*)'${blank}*`,
    `|(?!${blank}*["'])(?<bare>${plain(';')}*))`,
    '(?:;|$))',
  ].join(''),
  'uy',
);
const ends = new RegExp(`^${blank}+|${blank}+$`, 'gu');

/** Names and values as they stand, undefined for a value that is not there; undefined for what is not such a list. */
function pairsOf(text: string): [string, string | undefined][] | undefined {
  const pairs: [string, string | undefined][] = [];
  for (pair.lastIndex = 0; pair.lastIndex < text.length; ) {
    const { name, double, single, bare = '' } = pair.exec(text)?.groups ?? {};
    if (pair.lastIndex === 0) return undefined;
    if (name === undefined) break;
    const value =
      double?.replaceAll('""', '"') ?? single?.replaceAll("''", "'") ?? (bare.replace(ends, '') || undefined);
    // What is not quoted does not end in a quote.
    if (double === undefined && single === undefined && /["']$/.test(value ?? '')) return undefined;
    pairs.push([name.replaceAll('==', '=').replace(ends, ''), value]);
  }
  return pairs;
}

/** The values that a string gives, by the client's own names of their keywords; empty where one leaves the default. */
export type GivenValues = ReadonlyMap<string, string | number>;

/**
 * Reads a list of `Keyword=value;` as the client does: the last of the same keyword counts, and one without a value leaves
 * the default.
 * @param invalid makes the error of a reason, which holds nothing of the text but names of keywords
 * @param others names beside the client's own, in lower case
 */
export function readKeywords(
  client: ClientName,
  text: string,
  invalid: (reason: string) => Error,
  others: readonly string[] = [],
): GivenValues {
  const pairs = pairsOf(text);
  if (!pairs)
    throw invalid('it is not a list of `Keyword=value;` (a value that holds ; or quotes must stand in quotes)');
  const given = new Map<string, string | undefined>();
  let before: string | undefined;
  for (const [name, value] of pairs) {
    if (/^host$/i.test(name) && /\s(port|dbname|user|password|sslmode)\s*=/i.test(value ?? ''))
      throw invalid("it is in libpq's form (`host=… dbname=…`), and .NET divides keywords by `;`");
    const own = ownName(client, name) ?? others.find((each) => each === name.toLowerCase());
    if (!own) throw invalid(`${unknownKeyword(client, name, before)} (a value that holds ; must stand in quotes)`);
    before = own;
    // Npgsql looks at each of several, SqlClient at the last.
    if (client === 'npgsql') read(client, own, value, invalid);
    given.set(own, value);
  }
  return new Map([...given].map(([own, value]) => [own, read(client, own, value, invalid)]));
}

/** Empty for a keyword without a value, where that leaves the default. */
function read(
  client: ClientName,
  own: string,
  text: string | undefined,
  invalid: (reason: string) => Error,
): string | number {
  const keyword = clientKeywords[client][own];
  const value = keyword && text !== undefined ? readValue(keyword, text) : text;
  if (value !== undefined && isRunTogether(own, value))
    throw invalid(`the value of \`${own}\` holds what looks like another keyword: a ; is missing in it, or before it`);
  if (value !== undefined) return value;
  if (text === undefined && (!keyword || keyword.text || keyword.empty)) return '';
  throw invalid(wrongValue(own, keyword ?? { names: [] }));
}

/** Whether the client takes the text whole, and learns from it where to connect. */
export function isTakenBy(client: 'npgsql' | 'sqlClient', text: string): boolean {
  try {
    const values = readKeywords(client, text, (reason) => new Error(reason));
    const server = values.get(client === 'npgsql' ? 'Host' : 'Data Source')?.toString();
    // `tcp:name,1433` and `name\instance` are not hosts to Npgsql.
    const isHosts = (hosts: string) => hosts.split(',').every((host) => !/^\s*(\d+\s*$|tcp:)|\\/i.test(host));
    return server !== undefined && (client === 'sqlClient' || isHosts(server));
  } catch {
    return false;
  }
}
