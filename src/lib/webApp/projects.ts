import { parseXml, XmlElement } from '@rgrove/parse-xml';
import type { Package } from './facts.ts';
import type { SourceFile } from './sources/sourceFile.ts';

/** A C# project, as far as its files say. Conditions on elements are not evaluated: all packages that may be referenced count. */
export interface Project {
  path: string;
  packages: Package[];
  frameworks: { name: string; place: { file: string; line: number } }[];
  /** Paths of projects whose code is part of this one. */
  references: string[];
  isTest: boolean;
}

interface Element {
  name: string;
  attributes: Record<string, string>;
  text: string;
  line: number;
}

/** Reads the projects, with the versions and properties of `Directory.Packages.props` and `Directory.Build.props` above them. */
export function readProjects(files: readonly SourceFile[]): Project[] {
  const shared = files
    .filter(({ path }) => /\.props$/i.test(path))
    .map((file) => ({ file, elements: elementsOf(file) }));
  return files
    .filter(({ path }) => /\.csproj$/i.test(path))
    .map((file) => {
      const above = shared
        .filter((each) => file.path.startsWith(folderOf(each.file.path)))
        .sort((a, b) => a.file.path.length - b.file.path.length);
      const own = elementsOf(file);
      const all = [...above.flatMap(({ elements }) => elements), ...own];
      const properties = new Map(all.map(({ name, text }) => [name.toLowerCase(), text]));
      const central = new Map(above.flatMap(({ file: { path }, elements }) => versionsOf(path, elements)));
      const packages = [...above, { file, elements: own }].flatMap(({ file: { path }, elements }) =>
        packagesOf(path, elements, central, properties),
      );
      return {
        path: file.path,
        packages,
        frameworks: frameworksOf(file.path, own, properties),
        references: own
          .filter(({ name }) => name === 'ProjectReference')
          .map(({ attributes }) => resolved(folderOf(file.path), attributes.Include ?? '')),
        isTest: packages.some(({ name }) => /^(Microsoft\.NET\.Test\.Sdk|xunit|NUnit|MSTest)/i.test(name)),
      };
    });
}

export const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);

function elementsOf({ text }: SourceFile): Element[] {
  const found: Element[] = [];
  const visit = (element: XmlElement): void => {
    const line = text.slice(0, element.start).split('\n').length;
    found.push({ name: element.name, attributes: element.attributes, text: element.text.trim(), line });
    for (const child of element.children) if (child instanceof XmlElement) visit(child);
  };
  try {
    const { root } = parseXml(text.replace(/^\ufeff/, ''), { includeOffsets: true });
    if (root) visit(root);
  } catch {
    // A project that is not XML names no packages; the compiler says it to its author.
  }
  return found;
}

type Versions = [string, { version: string; file: string; line: number }][];

function versionsOf(file: string, elements: readonly Element[]): Versions {
  return elements
    .filter(({ name }) => name === 'PackageVersion')
    .map(({ attributes, line }) => [
      (attributes.Include ?? attributes.Update ?? '').toLowerCase(),
      { version: attributes.Version ?? '', file, line },
    ]);
}

function packagesOf(
  file: string,
  elements: readonly Element[],
  central: ReadonlyMap<string, { version: string; file: string; line: number }>,
  properties: ReadonlyMap<string, string>,
): Package[] {
  return elements.flatMap(({ name, attributes, line }, index) => {
    const of = (attributes.Include ?? attributes.Update)?.trim();
    if (!/^(PackageReference|GlobalPackageReference)$/.test(name) || !of) return [];
    const child = elements[index + 1];
    const inside = child?.name === 'Version' ? child.text : undefined;
    const own = attributes.VersionOverride ?? attributes.Version ?? inside;
    const shared = central.get(of.toLowerCase());
    const place = own === undefined && shared ? { file: shared.file, line: shared.line } : { file, line };
    return [{ name: of, version: exactVersion(own ?? shared?.version, properties), place }];
  });
}

/** The version that `[1.2.3]` or `1.2.3` stands for, the least that is taken; undefined for ranges and stars. */
function exactVersion(text: string | undefined, properties: ReadonlyMap<string, string>): string | undefined {
  const version = text?.replace(/\$\((\w+)\)/g, (whole, name: string) => properties.get(name.toLowerCase()) ?? whole);
  return /^\[?(\d+(\.\d+)*(-[\w.]+)?)\]?$/.exec(version?.trim() ?? '')?.[1];
}

function frameworksOf(file: string, elements: readonly Element[], properties: ReadonlyMap<string, string>) {
  const own = elements.filter(({ name }) => /^TargetFrameworks?$/.test(name));
  const shared = properties.get('targetframework') ?? '';
  const named = own.length > 0 ? own : [{ text: shared, line: 1 }];
  return named.flatMap(({ text, line }) =>
    text
      .replace(/\$\((\w+)\)/g, (whole, name: string) => properties.get(name.toLowerCase()) ?? whole)
      .split(';')
      .filter((name) => /^net[\w.-]+$/.test(name.trim()))
      .map((name) => ({ name: name.trim(), place: { file, line } })),
  );
}

/** `../Shared/Shared.csproj`, from a folder of the app; a path that leads out of it stays as it is, and is found nowhere. */
function resolved(folder: string, path: string): string {
  const parts = folder.split('/').filter((part) => part !== '');
  for (const part of path.split(/[\\/]/)) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}
