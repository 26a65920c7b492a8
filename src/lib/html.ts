/** Markup that is safe as it stands. Made by {@link html} alone. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlValue = Html | string | number | null | false | readonly HtmlValue[];

/**
 * Markup from a template. Every value is escaped, for text and for quoted attributes, unless it is {@link Html} itself; lists
 * are joined, null and false are left out.
 */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(strings.reduce((text, part, index) => text + markup(values[index - 1] ?? null) + part));
}

function markup(value: HtmlValue): string {
  if (value instanceof Html) return value.text;
  if (value === null || value === false) return '';
  return typeof value === 'object' ? value.map(markup).join('') : escapeText(String(value));
}

const references: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => references[character] ?? '');
}

/**
 * JSON for a script element of type application/json. There references mean nothing, and `</script` or `<!--` would end or
 * change the element (HTML standard, "Restrictions for contents of script elements"): no `<` stays.
 */
export function jsonData(value: unknown): Html {
  return new Html(JSON.stringify(value).replaceAll('<', '\\u003c'));
}
