/** The fields of an INFO answer: `name:value` a line, under `# Section` lines (INFO, Redis documentation). */
export class InfoText {
  readonly #fields = new Map<string, string>();
  readonly #sections = new Set<string>();

  constructor(text: string) {
    for (const line of text.split(/\r?\n/)) {
      const colon = line.indexOf(':');
      if (line.startsWith('# ')) this.#sections.add(line.slice(2).trim());
      else if (colon > 0 && !line.startsWith('#')) this.#fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
    }
  }

  /** Null where the server does not name the field, or leaves it empty: managed services leave out many. */
  text(name: string): string | null {
    return this.#fields.get(name) || null;
  }

  /** Whether the answer has a section, be it empty: a field that is missing there is 0, else unknown. */
  hasSection(name: string): boolean {
    return this.#sections.has(name);
  }

  number(name: string): number | null {
    const text = this.text(name);
    const value = text === null ? Number.NaN : Number(text.replace(/%$/, ''));
    return Number.isFinite(value) ? value : null;
  }

  /** `1` or `0`. */
  flag(name: string): boolean | null {
    const value = this.number(name);
    return value === null ? null : value !== 0;
  }

  /** Fields of several values (`db0:keys=3,expires=1`), by name: servers add values, in any order. */
  records(name: RegExp): { name: string; values: ReadonlyMap<string, string> }[] {
    return [...this.#fields]
      .filter(([field, value]) => name.test(field) && value.includes('='))
      .map(([field, value]) => ({
        name: field,
        values: new Map(value.split(',').map((pair) => splitOnce(pair, '='))),
      }));
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
