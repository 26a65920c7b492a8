import type { Node } from 'web-tree-sitter';
import type { ScopeUse } from '../facts.ts';
import { evaluate, placeOf } from './evaluate.ts';
import { type CodeIndex, initializerOf, type ParsedFile } from './index.ts';
import { argumentsOf, descendants, field, namedChildren, simpleName } from './syntax.ts';
import { isKnown, type Value } from './value.ts';

/** Scopes that an app asks for, and those that it is configured with, wherever they stand. */
export function scopesOf(files: readonly ParsedFile[], index: CodeIndex): ScopeUse[] {
  return [
    ...files.flatMap((file) => [...descendants(file.root)].flatMap((node) => usesOf(node, file, index))),
    ...inSettings(index),
  ];
}

const requests =
  /^(GetAccessTokenForUserAsync|GetAuthenticationResultForUserAsync|WithScopes|CreateAuthorizationHeaderForUserAsync)$/;

function usesOf(node: Node, { path }: ParsedFile, index: CodeIndex): ScopeUse[] {
  const place = placeOf(node, { file: path });
  const value = (each: Node) => evaluated(each, path, index);
  if (node.type === 'invocation_expression') {
    const name = simpleName(field(node, 'function'));
    const args = argumentsOf(node);
    const called = field(node, 'function');
    const at = called && placeOf(field(called, 'name') ?? called, { file: path });
    if (requests.test(name)) {
      const scopes =
        args.length > 1 && name === 'WithScopes'
          ? list(
              args.map((each) => value(each.value)),
              place,
            )
          : args[0] && value(args[0].value);
      return scopes ? [{ kind: 'requested', scopes, place: at ?? place }] : [];
    }
    if (name === 'EnableTokenAcquisitionToCallDownstreamApi') {
      const scopes = args.find(
        ({ name: named, value: each }) =>
          named === 'initialScopes' || (named === undefined && !/lambda/.test(each.type)),
      );
      return scopes ? [{ kind: 'configured', scopes: value(scopes.value), place: at ?? place }] : [];
    }
    if (name === 'Add' && /(^|\.)Scope\.Add$/.test(called?.text ?? '') && args[0])
      return [{ kind: 'configured', scopes: value(args[0].value), place }];
  }
  if (node.type === 'attribute' && simpleName(field(node, 'name')) === 'AuthorizeForScopes')
    return argumentsOf(node).flatMap(({ name, value: each }): ScopeUse[] => {
      if (name === 'Scopes') return [{ kind: 'authorized', scopes: value(each), place }];
      const key = name === 'ScopeKeySection' ? value(each) : undefined;
      if (!isKnown(key) || typeof key.known !== 'string') return [];
      return [{ kind: 'authorized', scopes: index.settings.value(key.known, place), place }];
    });
  if (node.type === 'assignment_expression' && /(^|\.)Scopes$/.test(field(node, 'left')?.text ?? '')) {
    const right = field(node, 'right');
    // Options of a downstream API, mostly: asked for by the call that has them.
    return right && /Options|options|opt\b/.test(field(node, 'left')?.text ?? '')
      ? [{ kind: 'configured', scopes: value(right), place }]
      : [];
  }
  return [];
}

const list = (items: Value[], place: Value['place']): Value => ({ known: { kind: 'list', items }, place });

/** Locals count where the method gives them a value once. */
function evaluated(node: Node, file: string, index: CodeIndex): Value {
  const names = new Map<string, Value>();
  for (let parent = node.parent; parent; parent = parent.parent) {
    if (!/^(block|compilation_unit)$/.test(parent.type)) continue;
    for (const each of parent.type === 'block' ? namedChildren(parent) : namedChildren(parent).flatMap(namedChildren)) {
      if (each.type !== 'local_declaration_statement') continue;
      for (const declarator of descendants(each)) {
        const name = declarator.type === 'variable_declarator' ? field(declarator, 'name')?.text : undefined;
        const initializer = name === undefined ? undefined : initializerOf(declarator);
        if (name !== undefined && initializer && !names.has(name))
          names.set(name, evaluate(initializer, index.scope(file, names)));
      }
    }
  }
  return evaluate(node, index.scope(file, names));
}

/** Sections of downstream APIs name theirs as `Scopes`. */
function inSettings({ settings }: CodeIndex): ScopeUse[] {
  return settings.named('Scopes').map(({ value }) => ({ kind: 'configured', scopes: value, place: value.place }));
}
