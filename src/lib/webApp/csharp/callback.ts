import type { Node } from 'web-tree-sitter';
import { descendants, isLambda, type Place, simpleName } from './syntax.ts';

/** What an `OnL2CacheFailure` does that it should not. */
export interface Callback {
  throws: Place[];
  /** Exceptions that it waits for, and is never given: an entry that cannot be read is not a failure of the cache (measured). */
  waitsFor: { type: string; place: Place }[];
}

const neverGiven =
  /^(Json\w*Exception|Msal\w*Exception|CryptographicException|SerializationException|FormatException|InvalidDataException)$/;

/** Reads the callback, a lambda or a method; what it calls is not followed. */
export function readCallback(node: Node, file: string): Callback {
  const found: Callback = { throws: [], waitsFor: [] };
  const visit = (each: Node): void => {
    const place = { file, line: each.startPosition.row + 1 };
    if (each.type === 'throw_statement' || each.type === 'throw_expression') found.throws.push(place);
    const type = /^(identifier|qualified_name)$/.test(each.type) ? simpleName(each) : '';
    if (neverGiven.test(type) && !/^(throw|object_creation)/.test(each.parent?.type ?? ''))
      found.waitsFor.push({ type, place });
    // What a `try` throws is mostly caught in it.
    if (each.type === 'try_statement' || (isLambda(each) && each.id !== node.id)) {
      for (const inner of descendants(each))
        if (neverGiven.test(inner.text) && inner.type === 'identifier')
          found.waitsFor.push({ type: inner.text, place });
      return;
    }
    if (each.type === 'qualified_name') return;
    for (const child of each.namedChildren) if (child) visit(child);
  };
  visit(node);
  return found;
}
