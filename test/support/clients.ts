import type { ClientName, Keyword } from '../../src/lib/connectionStrings/keywords.ts';
import { buildDotnet, dotnet } from './dotnet.ts';

/** The clients of the web apps and the host's readers of schedules and storage settings, as a program of their own (test/interop/clients). */

type ClientRequest =
  | { client: ClientName; text: string }
  | { client: 'ncrontab'; text: string; zone: string; from: string; count: number }
  | { client: 'storage'; settings: Record<string, string> };

type Value = string | number | boolean | null;

export interface ClientAnswer {
  /** Why the client refuses the text; undefined where it takes it. */
  refused?: string;
  /** By the client's own name of the keyword. */
  values?: Record<string, Value>;
  hosts?: { host?: string; port?: number; socket?: true }[];
  server?: { host: string; port: number; instance: string | null; protocol: string; browser: boolean };
  /** Addresses of the services. */
  blob?: string;
  queue?: string;
  /** In UTC, without an offset. */
  firings?: string[];
}

export interface Clients {
  ask(requests: ClientRequest[]): ClientAnswer[];
  keywords(client: ClientName): Record<string, Keyword>;
}

export function buildClients(): Clients {
  const program = buildDotnet('Clients');
  const lines = (requests: object[]): unknown[] =>
    dotnet([program], requests.map((request) => `${JSON.stringify(request)}\n`).join(''))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  return {
    ask: (requests) => lines(requests) as ClientAnswer[],
    keywords: (client) => lines([{ client }])[0] as Record<string, Keyword>,
  };
}

/** The text of src/lib/connectionStrings/clientKeywords.json: one keyword a line. */
export function keywordFile({ keywords }: Pick<Clients, 'keywords'>): string {
  const listOf = (client: ClientName) => {
    const rows = Object.entries(keywords(client)).map(
      ([name, keyword]) => `    ${JSON.stringify(name)}: ${JSON.stringify(keyword)}`,
    );
    return `  ${JSON.stringify(client)}: {\n${rows.join(',\n')}\n  }`;
  };
  const clients: ClientName[] = ['npgsql', 'sqlClient', 'stackExchangeRedis'];
  return `{\n${clients.map(listOf).join(',\n')}\n}\n`;
}
