import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { infra } from './bicep.ts';
import type { BicepServer } from './bicepServer.ts';

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

/** Parameter files: the presets, and the estates that they are tried on. */
export const deployments = readdirSync(infra, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.bicepparam'))
  .map((file) => file.replace(/\.bicepparam$/, ''))
  .sort();

export const snapshotPath = (deployment: string) => join(infra, `${deployment}.snapshot.json`);

export function readSnapshot(deployment: string): Snapshot {
  return JSON.parse(readFileSync(snapshotPath(deployment), 'utf8')) as Snapshot;
}

/** The committed snapshots, by their deployments' names without folders. */
export function everySnapshot(): [string, Snapshot][] {
  return deployments.map((deployment) => [basename(deployment), readSnapshot(deployment)]);
}

/**
 * What is deployed, as text with its resources in a fixed order, so that a difference is a change.
 * @throws where it does not compile, or the compiler warns of more than API versions that grow old
 */
export async function takeSnapshot(bicep: BicepServer, deployment: string): Promise<string> {
  const file = `${deployment}.bicepparam`;
  const found = (await bicep.diagnostics(file)).filter(({ code }) => code !== 'use-recent-api-versions');
  if (found.length > 0) throw new Error(`${deployment}:\n${JSON.stringify(found, undefined, 2)}`);
  return `${JSON.stringify(sorted(JSON.parse(await bicep.snapshot(file))), undefined, 2)}\n`;
}

/** Resources by their ids, and everything by its name: the compiler has no order of its own. */
function sorted(taken: Snapshot): Json {
  const byName = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(byName);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.keys(value)
        .sort()
        .map((name) => [name, byName(value[name] ?? null)]),
    );
  };
  const resources = taken.predictedResources
    .map((resource) => byName(resource as Json))
    .map((resource): [string, Json] => [`${(resource as Resource).id} ${JSON.stringify(resource)}`, resource])
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, resource]) => resource);
  return byName({ ...(taken as unknown as { [key: string]: Json }), predictedResources: resources });
}

export function resourcesOf(deployment: string, type: string): Resource[] {
  return readSnapshot(deployment).predictedResources.filter((resource) => resource.type === type);
}

/** The app settings of the function app, as they would be in Azure's public cloud. */
export function appSettingsOf({ predictedResources }: Snapshot): Record<string, string> {
  const found = predictedResources.find(
    ({ type, name }) => type === 'Microsoft.Web/sites/config' && name.endsWith('/appsettings'),
  );
  const {
    [ofRedis]: redis,
    [ofWorkspaces]: workspaces,
    ...settings
  } = evaluated((found?.properties ?? {}) as Json) as Record<string, string>;
  // Where a Redis answers is read in Azure: each gets the connection string that its module would make.
  const names = redis
    ? [
        ...`${settings.TOKEN_CACHES ?? ''}${settings.KEY_RINGS ?? ''}`.matchAll(
          /"redis","connectionStringSetting":"(\w+)"/g,
        ),
      ]
    : [];
  for (const [, name] of names) if (name) settings[name] = 'redis-test.westeurope.redis.azure.net:10000,ssl=True';
  const apps = workspaces ? [...(settings.TOKEN_CACHES ?? '').matchAll(/"workspaceSetting":"(\w+)"/g)] : [];
  for (const [, name] of apps) if (name) settings[name] = '66666666-6666-6666-6666-666666666666';
  return settings;
}

/** An output, as it would be there. */
export function outputOf({ outputs }: Snapshot, name: string): Json {
  return evaluated(outputs[name] ?? null);
}

/** The query of a rule, as it would be after a deployment on 26 November 2026, at ten. */
export function queryOf({ properties }: Resource): string {
  const { allOf } = properties.criteria as { allOf: { query: string }[] };
  return String(evaluated(allOf[0]?.query ?? ''));
}

const known: Record<string, string> = {
  'environment().suffixes.storage': 'core.windows.net',
  'environment().suffixes.sqlServerHostname': '.database.windows.net',
  'environment().suffixes.keyvaultDns': '.vault.azure.net',
};

/** Stands for the connection strings of all Redis. */
const ofRedis = '(Redis)';
/** And for the ids of all workspaces of web apps. */
const ofWorkspaces = '(workspaces)';

/** Puts values in for what Azure alone knows: a client id, a connection string, the host name of a Redis. */
function evaluated(value: Json): Json {
  if (Array.isArray(value)) return value.map(evaluated);
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, evaluated(each)]));
  if (typeof value !== 'string' || !value.startsWith('[') || !value.endsWith(']') || /^\[[{\]"]/.test(value))
    return value;
  return new Expression(value.slice(1, -1)).read();
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
    case 'shallowMerge':
      return Object.assign({}, ...(args[0] as object[])) as Json;
    case 'true':
    case 'false':
      return name === 'true';
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

function referenced(path: string): Json {
  if (path === '.clientId') return '22222222-2222-2222-2222-222222222222';
  if (path === '.principalId') return '55555555-5555-5555-5555-555555555555';
  if (path === '.outputs.connectionStrings.value') return { [ofRedis]: path };
  if (path === '.outputs.settings.value') return { [ofWorkspaces]: path };
  if (path === '.ConnectionString') return 'InstrumentationKey=33333333-3333-3333-3333-333333333333';
  throw new Error(`A reference to ${path} is not known here.`);
}

/** The names of every alert rule that the presets deploy. */
export function alertNames(): string[] {
  const ofAlerts = /^Microsoft\.Insights\/(scheduledQueryRules|metricAlerts|activityLogAlerts)$/;
  const presets = everySnapshot().filter(([deployment]) => !deployment.includes('/'));
  const names = presets.flatMap(([, { predictedResources }]) =>
    predictedResources.flatMap(({ type, name }) => (ofAlerts.test(type) ? [name] : [])),
  );
  return [...new Set(names)].sort();
}
