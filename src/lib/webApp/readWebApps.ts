import type { Node } from 'web-tree-sitter';
import { AppSettings } from './appSettings.ts';
import { Flow } from './csharp/flow.ts';
import { CodeIndex, type ParsedFile } from './csharp/index.ts';
import { csharpParser, type ParseCSharp } from './csharp/parser.ts';
import { scopesOf } from './csharp/scopes.ts';
import { namedChildren } from './csharp/syntax.ts';
import type { Unparsed, WebApp } from './facts.ts';
import { folderOf, type Project, readProjects } from './projects.ts';
import type { SourceFile, Sources } from './sources/sourceFile.ts';

/** What a file must name to matter: it is parsed only then. */
const relevant =
  /TokenCache|MicrosoftIdentity|TokenAcqui|DataProtection|Distributed\w*Cache|StackExchangeRedisCache|AddMemoryCache|IServiceCollection|ConfigureServices|WebApplication\b|ApplicationBuilder|Host\.Create|AuthorizeForScopes|GetAccessTokenFor|WithScopes|CacheOptions|KeyManagementOptions|\bconst\b|static readonly string/;
/** Words that a finding may hang on: where they stand in code that does not parse, that is told. */
const weighty =
  /Token ?Cache|Add\w*Cache|Encrypt\b|DataProtection|PersistKeys|ProtectKeys|SetApplicationName|OnL2CacheFailure|L1CacheOptions|DisableL1Cache|Expiration\b|InstanceName|ExpiredItemsDeletionInterval/;

/**
 * The web apps of a folder: each project that is not a test and that no other takes in, with the code that it takes in. Without a
 * project, all files are one app.
 */
export async function readWebApps({ files, leftOut }: Sources): Promise<WebApp[]> {
  const parse = once(await csharpParser());
  const projects = readProjects(files);
  const used = new Set(projects.filter(({ isTest }) => !isTest).flatMap(({ references }) => references));
  const apps = projects.filter(({ path, isTest }) => !isTest && !used.has(path));
  if (apps.length === 0) return [readApp('', files, projects, parse, leftOut)];
  return apps.map((app) => {
    const parts = closure(app, projects);
    return readApp(
      app.path,
      files.filter((file) => parts.some((part) => belongs(file, part, projects))),
      parts,
      parse,
      leftOut,
    );
  });
}

/** The libraries themselves, where an app takes them in as source: their calls mean what they mean as packages. */
const libraries = /(^|\/)Microsoft\.(Identity|Extensions|AspNetCore)\.[^/]*\.csproj$/;

function closure(app: Project, projects: readonly Project[]): Project[] {
  const found = [app];
  for (const { references } of found)
    found.push(
      ...projects.filter(
        (each) => references.includes(each.path) && !found.includes(each) && !libraries.test(each.path),
      ),
    );
  return found;
}

/** A file belongs to the project in the nearest folder above it. */
function belongs({ path }: SourceFile, project: Project, projects: readonly Project[]): boolean {
  const nearest = projects
    .map((each) => folderOf(each.path))
    .filter((folder) => path.startsWith(folder))
    .reduce((longest, folder) => (folder.length > longest.length ? folder : longest), '');
  return path.startsWith(folderOf(project.path)) && folderOf(project.path) === nearest;
}

/** A file that several apps have is parsed once. */
function once(parse: ParseCSharp): (file: SourceFile) => ParsedFile {
  const parsed = new Map<SourceFile, ParsedFile>();
  return (file) => {
    const known = parsed.get(file) ?? { path: file.path, root: parse(file.text) };
    parsed.set(file, known);
    return known;
  };
}

function readApp(
  name: string,
  files: readonly SourceFile[],
  projects: readonly Project[],
  parse: (file: SourceFile) => ParsedFile,
  leftOut: readonly string[],
): WebApp {
  const parsed = files.filter(({ path, text }) => /\.cs$/i.test(path) && relevant.test(text)).map(parse);
  const index = new CodeIndex(parsed, new AppSettings(files));
  const { calls, options, unresolved } = new Flow(parsed, index);
  const unparsed = parsed.flatMap(({ path, root }) => unparsedOf(root, path)).filter(({ text }) => weighty.test(text));
  return {
    name,
    calls,
    options,
    // What does not parse may hold what is missing.
    unresolved: [
      ...unresolved,
      ...unparsed.map(({ place }) => ({ name: 'code that does not parse', place, guards: [], options: undefined })),
    ],
    scopes: scopesOf(parsed, index),
    packages: projects.flatMap(({ packages }) => packages),
    frameworks: projects.slice(0, 1).flatMap(({ frameworks }) => frameworks),
    unparsed,
    leftOut,
  };
}

/** The outermost pieces that did not parse; where the whole file is one, the pieces of it. */
function unparsedOf(node: Node, file: string): Unparsed[] {
  if (!node.hasError) return [];
  const whole = node.parent === null;
  if ((node.isError || node.isMissing) && !whole)
    return [{ place: { file, line: node.startPosition.row + 1 }, text: statementOf(node).text }];
  return namedChildren(node).flatMap((child) => unparsedOf(child, file));
}

/** An error may be as small as an `#if` within a chain of calls: what it makes uncertain is the statement around it. */
function statementOf(node: Node): Node {
  for (let parent = node.parent; parent; parent = parent.parent)
    if (/^(\w+_statement|field_declaration|property_declaration)$/.test(parent.type)) return parent;
  return node;
}
