import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Node } from 'web-tree-sitter';
import { once } from '../../once.ts';

/** Reads C# into a tree; what does not parse in part is an error node, and the rest is there. */
export type ParseCSharp = (text: string) => Node;

/** The parser, loaded when it is first asked for: some 6 MB of WebAssembly, and nothing native. */
export const csharpParser = once(async (): Promise<ParseCSharp> => {
  const { Language, Parser } = await import('web-tree-sitter');
  await Parser.init();
  const grammar = fileURLToPath(import.meta.resolve('tree-sitter-c-sharp/tree-sitter-c_sharp.wasm'));
  const parser = new Parser();
  parser.setLanguage(await Language.load(await readFile(grammar)));
  return (text) => {
    const tree = parser.parse(text);
    if (!tree) throw new Error('the parser has no language');
    return tree.rootNode;
  };
});
