import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { infra } from './bicep.ts';

/** What the committed snapshots say is deployed, with what is known only in Azure put in. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface Resource {
  id: string;
  type: string;
  name: string;
  /** For an extension resource: what it is on. */
  scope?: string;
  properties: { [key: string]: Json };
  [key: string]: Json | undefined;
}

export interface Snapshot {
  predictedResources: Resource[];
  diagnostics: Json[];
  outputs: { [key: string]: Json };
}

export const deployments = ['small', 'production'] as const;
export type Deployment = (typeof deployments)[number];

export function readSnapshot(deployment: Deployment): Snapshot {
  return JSON.parse(readFileSync(join(infra, `${deployment}.snapshot.json`), 'utf8')) as Snapshot;
}

export function resourcesOf(deployment: Deployment, type: string): Resource[] {
  return readSnapshot(deployment).predictedResources.filter((resource) => resource.type === type);
}

/** The app settings of the function app, as they would be in Azure's public cloud. */
export function appSettingsOf({ predictedResources }: Snapshot): Record<string, string> {
  const settings = predictedResources.find(
    ({ type, name }) => type === 'Microsoft.Web/sites/config' && name.endsWith('/appsettings'),
  );
  return Object.fromEntries(Object.entries(settings?.properties ?? {}).map(([name, value]) => [name, evaluate(value)]));
}

/** The query of a rule, as it would be after a deployment on 26 November 2026, at ten. */
export function queryOf({ properties }: Resource): string {
  const { allOf } = properties.criteria as { allOf: { query: string }[] };
  return evaluate(allOf[0]?.query ?? '');
}

const known: Record<string, string> = {
  'environment().suffixes.storage': 'core.windows.net',
  'environment().suffixes.sqlServerHostname': '.database.windows.net',
  'environment().suffixes.keyvaultDns': '.vault.azure.net',
};

/** Puts values in for what Azure alone knows: a client id, a connection string, the host name of a Redis. */
function evaluate(value: Json): string {
  if (typeof value !== 'string') throw new Error(`This is not a text: ${JSON.stringify(value)}`);
  if (!value.startsWith('[') || !value.endsWith(']') || value.startsWith('[{')) return value;
  const result = new Expression(value.slice(1, -1)).read();
  return typeof result === 'string' ? result : JSON.stringify(result);
}

/** The few functions of ARM's template language that are left in a snapshot. Anything else is an error. */
class Expression {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Json {
    const value = this.#value();
    if (this.#at !== this.#text.length) throw new Error(`Not understood: ${this.#text.slice(this.#at)}`);
    return value;
  }

  #value(): Json {
    for (const [name, value] of Object.entries(known)) if (this.#takes(name)) return value;
    if (this.#takes("'")) return this.#literal();
    const name = /^\w+\(/.exec(this.#text.slice(this.#at))?.[0];
    if (!name) throw new Error(`Not understood: ${this.#text.slice(this.#at)}`);
    this.#at += name.length;
    const args: Json[] = [];
    while (!this.#takes(')')) {
      args.push(this.#value());
      this.#takes(', ');
    }
    const path = /^(\.\w+)*/.exec(this.#text.slice(this.#at))?.[0] ?? '';
    this.#at += path.length;
    return call(name.slice(0, -1), args, path);
  }

  #literal(): string {
    let text = '';
    for (;;) {
      const end = this.#text.indexOf("'", this.#at);
      text += this.#text.slice(this.#at, end);
      this.#at = end + 1;
      if (!this.#takes("'")) return text;
      text += "'";
    }
  }

  #takes(part: string): boolean {
    if (!this.#text.startsWith(part, this.#at)) return false;
    this.#at += part.length;
    return true;
  }
}

function call(name: string, args: Json[], path: string): Json {
  switch (name) {
    case 'format':
      return String(args[0]).replace(/\{(\d+)\}/g, (_, index: string) => String(args[Number(index) + 1]));
    case 'string':
      return JSON.stringify(args[0]);
    case 'createArray':
      return args;
    case 'createObject':
      return Object.fromEntries(
        args.flatMap((key, index) => (index % 2 === 0 ? [[String(key), args[index + 1] ?? null] as const] : [])),
      );
    case 'null':
      return null;
    case 'replace':
      return String(args[0]).replaceAll(String(args[1]), String(args[2]));
    case 'utcNow':
      return '2026-11-26 10:00:00Z';
    case 'coalesce':
      return args.find((value) => value !== null) ?? null;
    case 'resourceId':
    case 'uniqueString':
      return `${name}(…)`;
    case 'deployment':
      return path === '.name' ? 'main' : path;
    case 'reference':
      return referenced(path);
    default:
      throw new Error(`The function ${name} is not known here.`);
  }
}

function referenced(path: string): string {
  if (path === '.clientId') return '22222222-2222-2222-2222-222222222222';
  if (path === '.outputs.redisEndpoint.value') return 'redis-test.westeurope.redis.azure.net:10000';
  if (path === '.outputs.connectionString.value') return 'InstrumentationKey=33333333-3333-3333-3333-333333333333';
  throw new Error(`A reference to ${path} is not known here.`);
}
