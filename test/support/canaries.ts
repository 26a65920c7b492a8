import { type ClientName, clientKeywords } from '../../src/lib/connectionStrings/keywords.ts';

/** Secrets that no other text has, each with a number by which the string is found that held it. */
export class Canaries {
  readonly #places: string[] = [];

  /** The text that `make` puts around a new canary. */
  in(make: (canary: string) => string): string {
    const text = make(`c4nary${this.#places.length}x`);
    this.#places.push(text);
    return text;
  }

  /** The strings whose canaries stand in a text. */
  foundIn(text: string): string[] {
    const numbers = [...text.matchAll(/c4nary(\d+)x/gi)].map(([, number]) => Number(number));
    return [...new Set(numbers)].map((number) => this.#places[number] ?? '');
  }
}

const password = { npgsql: 'Password', sqlClient: 'Password', stackExchangeRedis: 'password' } as const;
const schemes = { npgsql: 'postgres', sqlClient: 'sqlserver', stackExchangeRedis: 'redis' } as const;

/**
 * Connection strings with a secret wherever one can stand, and wherever a slip leaves it: under each name of the password, in
 * each quoting, behind each wrong or missing separator, in the value of each other keyword, without its name, and in the forms
 * of other clients.
 * @param server as an address has it
 * @param right parts of a string that the client takes, without a password
 */
export function canaryStrings(client: ClientName, server: string, right: string[], canaries: Canaries): string[] {
  const separator = client === 'stackExchangeRedis' ? ',' : ';';
  const name = password[client];
  const base = right.join(separator);
  const behind = (make: (secret: string) => string) =>
    canaries.in((secret) => [...right, make(secret)].join(separator));
  const keywords = Object.entries(clientKeywords[client]).filter(([own]) => own !== name);
  const others = [' ', ',', ';', '|', '&', '\n', '\t', ':', '/', '']
    .filter((other) => other !== separator)
    .flatMap((other) => [
      canaries.in((secret) => `${base}${other}${name}=${secret}`),
      canaries.in((secret) => `${name}=${secret}${other}${base}`),
      canaries.in((secret) => [...right, `${name}=${secret}`].join(other)),
    ]);
  return [
    ...(clientKeywords[client][name]?.names ?? []).flatMap((each) => [
      behind((secret) => `${each}=${secret}`),
      behind((secret) => `${each.toUpperCase()} = ${secret} `),
    ]),
    ...['"', "'"].flatMap((quote) => [
      behind((secret) => `${name}=${quote}${secret}${quote}`),
      behind((secret) => `${name}=${quote}${secret};x=${quote}${quote}${secret}${quote}`),
      behind((secret) => `${name}=${quote}${secret}`),
      behind((secret) => `${name}=${secret}${quote}`),
    ]),
    ...others,
    ...[':', ' ', '==', '=', ' = = '].map((equals) => behind((secret) => `${name}${equals}${secret}`)),
    ...[name.slice(0, -1), `${name}s`, 'x', ''].map((wrong) => behind((secret) => `${wrong}=${secret}`)),
    ...['', '=', '==', '=1', '+/=='].map((end) => behind((secret) => `${secret}${end}`)),
    ...['', '=', '==', '=1'].map((end) => canaries.in((secret) => `${secret}${end}${separator}${base}`)),
    ...keywords.flatMap(([own, keyword]) => [
      behind((secret) => `${own}=x ${name}=${secret}`),
      behind((secret) => `${own}=${name}=${secret}`),
      // What any text may be in nobody can tell from a secret.
      ...(keyword.text || keyword.form ? [] : [behind((secret) => `${own}=${secret}`)]),
    ]),
    canaries.in((secret) => `${schemes[client]}://u:${secret}@${server}/d`),
    canaries.in((secret) => `${schemes[client]}://u:p/${secret}@${server}/d`),
    canaries.in((secret) => `${schemes[client]}://u@${server}/d?password=${secret}`),
    canaries.in((secret) => `Host=${schemes[client]}://u:${secret}@${server}/d`),
    canaries.in((secret) => `host=${server} user=u password=${secret}`),
    canaries.in((secret) => JSON.stringify({ ConnectionString: `${base}${separator}${name}=${secret}` })),
    canaries.in((secret) => `"${base}${separator}${name}=${secret}"\n`),
    canaries.in((secret) => `TOKEN_CACHE=${base}${separator}${name}=${secret}`),
  ];
}

/** The same of a storage account's. */
export function storageCanaries(canaries: Canaries): string[] {
  // Base64, so that it is taken.
  const key = (secret: string) => `AccountKey=${secret.padEnd(Math.ceil(secret.length / 4) * 4, 'A')}`;
  const account = 'DefaultEndpointsProtocol=http;AccountName=a';
  const endpoints =
    'TableEndpoint=http://127.0.0.1:1/a;BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a';
  const without = (field: string) => `${account};${endpoints}`.split(';').filter((part) => !part.startsWith(field));
  const beside = (field: string, value: string) => [...without(field), `${field}=${value}`].join(';');
  return [
    ...[`${account};`, `${account};${endpoints};`, `${account}`, `${account},`, `${account} `, ''].map((start) =>
      canaries.in((secret) => `${start}${key(secret)}`),
    ),
    ...['AccountName', 'DefaultEndpointsProtocol', 'EndpointSuffix', 'TableEndpoint', 'BlobEndpoint'].flatMap(
      (field) => [
        canaries.in((secret) => beside(field, key(secret))),
        canaries.in((secret) => `${beside(field, `http://u:${secret}@127.0.0.1:1/a?sig=${secret}`)};AccountKey=QUJD`),
      ],
    ),
    canaries.in((secret) => `${endpoints};SharedAccessSignature=sv=1&sig=${secret}`),
    canaries.in((secret) => `${endpoints};SharedAccessSignature:sv=1&sig=${secret}`),
    canaries.in((secret) => `https://a.table.core.windows.net/?sv=1&sig=${secret}`),
    canaries.in((secret) => `${secret}==`),
  ];
}
