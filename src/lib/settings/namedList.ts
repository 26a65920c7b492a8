import type { z } from 'zod';
import { name } from './fields.ts';
import type { SettingProblem } from './problems.ts';

export interface ListReading<T> {
  /** Each with its place: `TOKEN_CACHES[0]`. */
  entries: { at: string; entry: T }[];
  problems: SettingProblem[];
}

/**
 * The entries of a setting that is a JSON list, each with a name of its own; undefined where it is not such a list.
 * @param concern whom an entry's problem concerns, by the entry's name; one whose name cannot be used stops nobody
 */
export function readNamedList<T extends { name: string }>(
  setting: string,
  json: string,
  schema: z.ZodType<T>,
  concern: (name: string) => Partial<SettingProblem>,
): ListReading<T> | undefined {
  const list = parseJson(json);
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const reading: ListReading<T> = { entries: [], problems: [] };
  for (const [index, item] of (list as unknown[]).entries()) {
    const at = `${setting}[${index}]`;
    const parsed = schema.safeParse(item);
    const label = name.safeParse((item as { name?: unknown } | null)?.name);
    const report = (path: PropertyKey[], message: string) =>
      reading.problems.push({
        setting: [at, ...path.map(String)].join('.'),
        message,
        ...(label.success ? concern(label.data) : { jobs: [] }),
      });
    // A field's name is not repeated: it may be a piece of a connection string.
    if (!parsed.success)
      for (const { path, message, code } of parsed.error.issues)
        report(
          path,
          code === 'unrecognized_keys'
            ? 'has a field that is not known; docs/reference/settings.md lists them'
            : message,
        );
    else if (reading.entries.some(({ entry }) => entry.name === parsed.data.name))
      report(['name'], `must be unique; ${parsed.data.name} is there twice`);
    else reading.entries.push({ at, entry: parsed.data });
  }
  return reading;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
