import { findNodeAtLocation, getNodeValue, type Node, parseTree } from 'jsonc-parser';
import type { Place } from './csharp/syntax.ts';
import type { Value } from './csharp/value.ts';
import type { SourceFile } from './sources/sourceFile.ts';

interface Setting {
  value: string | number | boolean | null;
  place: Place;
}

/**
 * What `appsettings.json` says in production, and `appsettings.Production.json` over it, with comments and trailing commas as .NET
 * reads them. Environment variables, user secrets and vaults may say more: what is absent here is unknown.
 */
export class AppSettings {
  readonly #settings = new Map<string, Setting>();

  constructor(files: readonly SourceFile[]) {
    const inProduction = files.filter(({ path }) => /(^|\/)appsettings(\.production)?\.json$/i.test(path));
    const general = inProduction.filter(({ path }) => !/production/i.test(path.split('/').at(-1) ?? ''));
    for (const file of [...general, ...inProduction.filter((each) => !general.includes(each))]) this.#read(file);
  }

  #read({ path, text }: SourceFile): void {
    const root = parseTree(text.replace(/^\ufeff/, ''), [], { allowTrailingComma: true });
    const lines = lineStarts(text);
    const add = (node: Node | undefined, key: string): void => {
      if (node?.type === 'object') {
        for (const { children: [name, value] = [] } of node.children ?? []) {
          if (name) add(value, key === '' ? String(name.value) : `${key}:${name.value}`);
        }
      } else if (node?.type === 'array') {
        for (const [index, item] of (node.children ?? []).entries()) add(item, `${key}:${index}`);
      } else if (node) {
        const line = lines.findLastIndex((start) => start <= node.offset) + 1;
        this.#settings.set(key.toLowerCase(), { value: getNodeValue(node), place: { file: path, line } });
      }
    };
    add(root && findNodeAtLocation(root, []), '');
  }

  /** A value, or the list of a section of values; unknown (`outside`) where the files do not say it. Keys in any case, as in .NET. */
  value(key: string, asked: Place): Value {
    const found = this.#settings.get(key.toLowerCase());
    // An empty text mostly stands for what a secret store says.
    if (found)
      return found.value === '' || isPlaceholder(found.value)
        ? { unknown: 'outside', place: found.place }
        : { known: found.value, place: found.place };
    const items = this.below(key);
    const [first] = items;
    if (!first) return { unknown: 'outside', place: asked };
    if (!items.every(([name]) => /^\d+$/.test(name))) return { unknown: 'runTime', place: asked };
    return { known: { kind: 'list', items: items.map(([, value]) => value) }, place: first[1].place };
  }

  /** The values right below a section, by their names in lower case. */
  below(key: string): [string, Value][] {
    const prefix = `${key.toLowerCase()}:`;
    return [...this.#settings].flatMap(([each, { value, place }]): [string, Value][] => {
      if (!each.startsWith(prefix) || each.slice(prefix.length).includes(':')) return [];
      return [[each.slice(prefix.length), { known: value, place }]];
    });
  }

  /** All values whose key ends in this name, with the key of their section. */
  named(name: string): { section: string; value: Value }[] {
    return [...this.#settings].flatMap(([key, { value, place }]) => {
      const found = new RegExp(`^(.*:)?${name.toLowerCase()}(:\\d+)?$`).exec(key);
      return found ? [{ section: found[1]?.slice(0, -1) ?? '', value: { known: value, place } }] : [];
    });
  }
}

/** `[Enter your …]`, `<your-…>`, `#{…}#`, `{…}`, `__…__`: filled in when the app is deployed. */
function isPlaceholder(value: unknown): boolean {
  return typeof value === 'string' && /^\s*(\[.*\]|<.*>|#\{.*\}#?|\{.*\}|\$\(.*\)|__.*__)\s*$/.test(value);
}

function lineStarts(text: string): number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
}
